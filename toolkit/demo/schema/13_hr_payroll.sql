-- business: hr payroll

CREATE TABLE employees (
    "id" text NOT NULL,
    "email" text,
    "phone" text NOT NULL,
    "address" text,
    "employmentStatus" text NOT NULL DEFAULT 'active',
    "notes" text,
    "compensationTypeId" text NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" text,
    "customResponsibilities" text,
    "dateOfBirth" timestamp(3),
    "employeeNumber" text NOT NULL,
    "firstName" text NOT NULL,
    "fullName" text NOT NULL,
    "hireDate" timestamp(3) NOT NULL,
    "idFormatTemplateId" text,
    "isActive" boolean NOT NULL DEFAULT true,
    "jobTitleId" text NOT NULL,
    "lastName" text NOT NULL,
    "nationalId" text NOT NULL,
    "primaryBusinessId" text NOT NULL,
    "profilePhotoUrl" text,
    "startDate" timestamp(3),
    "supervisorId" text,
    "terminationDate" timestamp(3),
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "userId" text,
    "driverLicenseNumber" text,
    "driverLicenseTemplateId" text,
    CONSTRAINT "employees_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "employees_email_key" UNIQUE ("email"),
    CONSTRAINT "employees_employeeNumber_key" UNIQUE ("employeeNumber"),
    CONSTRAINT "employees_nationalId_key" UNIQUE ("nationalId"),
    CONSTRAINT "employees_userId_key" UNIQUE ("userId")
);

CREATE TABLE employee_contracts (
    "id" text NOT NULL,
    "version" integer NOT NULL DEFAULT 1,
    "status" text NOT NULL DEFAULT 'draft',
    "notes" text,
    "additionalBusinesses" text[],
    "approvedAt" timestamp(3),
    "approvedBy" text,
    "baseSalary" numeric(12,2) NOT NULL,
    "compensationTypeId" text NOT NULL,
    "contractNumber" text NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" text,
    "customResponsibilities" text,
    "employeeId" text NOT NULL,
    "employeeSignedAt" timestamp(3),
    "endDate" timestamp(3),
    "isCommissionBased" boolean NOT NULL DEFAULT false,
    "isSalaryBased" boolean NOT NULL DEFAULT true,
    "jobTitleId" text NOT NULL,
    "managerSignedAt" timestamp(3),
    "pdfUrl" text,
    "primaryBusinessId" text NOT NULL,
    "probationPeriodMonths" integer,
    "signedPdfUrl" text,
    "startDate" timestamp(3) NOT NULL,
    "supervisorId" text,
    "supervisorName" text,
    "supervisorTitle" text,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "commissionAmount" numeric(12,2),
    "contractDurationMonths" integer,
    "livingAllowance" numeric(12,2),
    "pdfGenerationData" jsonb,
    "umbrellaBusinessId" text,
    "umbrellaBusinessName" text DEFAULT 'Demo Umbrella Company',
    "businessAssignments" jsonb,
    "previousContractId" text,
    "copiedFromContractId" text,
    "isRenewal" boolean NOT NULL DEFAULT false,
    "originalContractId" text,
    "renewalCount" integer NOT NULL DEFAULT 0,
    CONSTRAINT "employee_contracts_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "employee_contracts_contractNumber_key" UNIQUE ("contractNumber")
);

CREATE INDEX "employee_contracts_employeeId_idx" ON employee_contracts ("employeeId");

CREATE TABLE employee_business_assignments (
    "id" text NOT NULL,
    "role" text,
    "notes" text,
    "assignedBy" text,
    "businessId" text NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "employeeId" text NOT NULL,
    "endDate" timestamp(3),
    "isActive" boolean NOT NULL DEFAULT true,
    "isPrimary" boolean NOT NULL DEFAULT false,
    "startDate" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "employee_business_assignments_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "employee_business_assignments_employeeId_businessId_key" UNIQUE ("employeeId", "businessId")
);

CREATE INDEX "employee_business_assignments_businessId_idx" ON employee_business_assignments ("businessId");

CREATE TABLE employee_benefits (
    "id" text NOT NULL,
    "amount" numeric(12,2) NOT NULL,
    "notes" text,
    "benefitTypeId" text NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "effectiveDate" timestamp(3) NOT NULL,
    "employeeId" text NOT NULL,
    "endDate" timestamp(3),
    "isActive" boolean NOT NULL DEFAULT true,
    "isPercentage" boolean NOT NULL DEFAULT false,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "employee_benefits_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "employee_benefits_employeeId_idx" ON employee_benefits ("employeeId");

CREATE TABLE employee_allowances (
    "id" text NOT NULL,
    "employeeId" text NOT NULL,
    "type" text NOT NULL,
    "amount" numeric(12,2) NOT NULL,
    "description" text,
    "payrollMonth" integer NOT NULL,
    "payrollYear" integer NOT NULL,
    "approvedBy" text,
    "approvedAt" timestamp(3),
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "employee_allowances_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "employee_allowances_employeeId_idx" ON employee_allowances ("employeeId");

CREATE TABLE employee_bonuses (
    "id" text NOT NULL,
    "amount" numeric(12,2) NOT NULL,
    "approvedAt" timestamp(3),
    "approvedBy" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "employeeId" text NOT NULL,
    "reason" text,
    "type" text NOT NULL,
    CONSTRAINT "employee_bonuses_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "employee_bonuses_employeeId_idx" ON employee_bonuses ("employeeId");

CREATE TABLE employee_deductions (
    "id" text NOT NULL,
    "amount" numeric(12,2) NOT NULL,
    "approvedAt" timestamp(3),
    "approvedBy" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "employeeId" text NOT NULL,
    "reason" text,
    "type" text NOT NULL,
    CONSTRAINT "employee_deductions_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "employee_deductions_employeeId_idx" ON employee_deductions ("employeeId");

CREATE TABLE employee_loans (
    "id" text NOT NULL,
    "status" text NOT NULL DEFAULT 'active',
    "approvedAt" timestamp(3),
    "approvedBy" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "employeeId" text NOT NULL,
    "loanAmount" numeric(12,2) NOT NULL,
    "monthlyDeduction" numeric(12,2) NOT NULL,
    "remainingBalance" numeric(12,2) NOT NULL,
    "remainingMonths" integer NOT NULL,
    "totalMonths" integer NOT NULL,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "employee_loans_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "employee_loans_employeeId_idx" ON employee_loans ("employeeId");

CREATE TABLE employee_salary_increases (
    "id" text NOT NULL,
    "reason" text,
    "approvedAt" timestamp(3),
    "approvedBy" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "effectiveDate" timestamp(3) NOT NULL,
    "employeeId" text NOT NULL,
    "increaseAmount" numeric(12,2) NOT NULL,
    "increasePercent" numeric(5,2) NOT NULL,
    "newSalary" numeric(12,2) NOT NULL,
    "previousSalary" numeric(12,2) NOT NULL,
    CONSTRAINT "employee_salary_increases_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "employee_salary_increases_employeeId_idx" ON employee_salary_increases ("employeeId");

CREATE TABLE employee_leave_requests (
    "id" text NOT NULL,
    "reason" text,
    "status" text NOT NULL DEFAULT 'pending',
    "approvedAt" timestamp(3),
    "approvedBy" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "daysRequested" integer NOT NULL,
    "employeeId" text NOT NULL,
    "endDate" timestamp(3) NOT NULL,
    "leaveType" text NOT NULL,
    "rejectionReason" text,
    "startDate" timestamp(3) NOT NULL,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "employee_leave_requests_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "employee_leave_requests_employeeId_idx" ON employee_leave_requests ("employeeId");

CREATE TABLE employee_leave_balance (
    "id" text NOT NULL,
    "year" integer NOT NULL,
    "annualLeaveDays" integer NOT NULL DEFAULT 0,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "employeeId" text NOT NULL,
    "remainingAnnual" integer NOT NULL DEFAULT 0,
    "remainingSick" integer NOT NULL DEFAULT 0,
    "sickLeaveDays" integer NOT NULL DEFAULT 0,
    "updatedAt" timestamp(3) NOT NULL,
    "usedAnnualDays" integer NOT NULL DEFAULT 0,
    "usedSickDays" integer NOT NULL DEFAULT 0,
    CONSTRAINT "employee_leave_balance_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "employee_leave_balance_employeeId_year_key" UNIQUE ("employeeId", "year")
);

CREATE TABLE employee_attendance (
    "id" text NOT NULL,
    "date" timestamp(3) NOT NULL,
    "status" text NOT NULL DEFAULT 'present',
    "notes" text,
    "checkIn" timestamp(3),
    "checkOut" timestamp(3),
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "employeeId" text NOT NULL,
    "hoursWorked" numeric(4,2),
    CONSTRAINT "employee_attendance_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "employee_attendance_employeeId_date_key" UNIQUE ("employeeId", "date")
);

CREATE TABLE employee_time_tracking (
    "id" text NOT NULL,
    "employeeId" text NOT NULL,
    "year" integer NOT NULL,
    "month" integer NOT NULL,
    "workDays" integer NOT NULL DEFAULT 0,
    "totalHours" numeric(5,2),
    "overtimeHours" numeric(5,2),
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "employee_time_tracking_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "employee_time_tracking_employeeId_year_month_key" UNIQUE ("employeeId", "year", "month")
);

CREATE TABLE disciplinary_actions (
    "id" text NOT NULL,
    "employeeId" text NOT NULL,
    "actionType" text NOT NULL,
    "violationType" text NOT NULL,
    "title" text NOT NULL,
    "description" text NOT NULL,
    "incidentDate" timestamp(3) NOT NULL,
    "actionDate" timestamp(3) NOT NULL,
    "severity" text NOT NULL DEFAULT 'low',
    "isActive" boolean NOT NULL DEFAULT true,
    "improvementPlan" text,
    "followUpDate" timestamp(3),
    "followUpNotes" text,
    "createdBy" text NOT NULL,
    "hrReviewed" boolean NOT NULL DEFAULT false,
    "hrReviewedBy" text,
    "hrReviewedAt" timestamp(3),
    "hrNotes" text,
    "employeeAcknowledged" boolean NOT NULL DEFAULT false,
    "employeeResponse" text,
    "employeeSignedAt" timestamp(3),
    "attachments" text[],
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "disciplinary_actions_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "disciplinary_actions_employeeId_idx" ON disciplinary_actions ("employeeId");

CREATE TABLE employee_deduction_payments (
    "id" text NOT NULL,
    "amount" numeric(12,2) NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deductionId" text NOT NULL,
    "paymentDate" timestamp(3) NOT NULL,
    "processedBy" text,
    CONSTRAINT "employee_deduction_payments_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "employee_deduction_payments_deductionId_idx" ON employee_deduction_payments ("deductionId");

CREATE TABLE employee_loan_payments (
    "id" text NOT NULL,
    "amount" numeric(12,2) NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "loanId" text NOT NULL,
    "paymentDate" timestamp(3) NOT NULL,
    "processedBy" text,
    CONSTRAINT "employee_loan_payments_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "employee_loan_payments_loanId_idx" ON employee_loan_payments ("loanId");

CREATE TABLE contract_benefits (
    "id" text NOT NULL,
    "amount" numeric(12,2) NOT NULL,
    "notes" text,
    "benefitTypeId" text NOT NULL,
    "contractId" text NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "isPercentage" boolean NOT NULL DEFAULT false,
    CONSTRAINT "contract_benefits_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "contract_benefits_contractId_idx" ON contract_benefits ("contractId");

CREATE TABLE contract_renewals (
    "id" text NOT NULL,
    "status" text NOT NULL DEFAULT 'pending',
    "notes" text,
    "autoRenewalMonths" integer,
    "benefitChanges" jsonb,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "employeeId" text NOT NULL,
    "isAutoRenewal" boolean NOT NULL DEFAULT false,
    "jobTitleChange" text,
    "managerNotifiedAt" timestamp(3),
    "newContractId" text,
    "originalContractId" text NOT NULL,
    "processedAt" timestamp(3),
    "processedBy" text,
    "reminderSentAt" timestamp(3),
    "renewalDueDate" timestamp(3) NOT NULL,
    "salaryChange" numeric(12,2),
    "salaryChangeType" text,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "contract_renewals_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "contract_renewals_employeeId_idx" ON contract_renewals ("employeeId");

CREATE TABLE payroll_accounts (
    "id" text NOT NULL,
    "businessId" text,
    "accountNumber" text NOT NULL,
    "balance" numeric(12,2) NOT NULL DEFAULT 0,
    "isActive" boolean NOT NULL DEFAULT true,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" text NOT NULL,
    CONSTRAINT "payroll_accounts_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "payroll_accounts_accountNumber_key" UNIQUE ("accountNumber"),
    CONSTRAINT "payroll_accounts_businessId_key" UNIQUE ("businessId")
);

CREATE TABLE payroll_periods (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "year" integer NOT NULL,
    "month" integer NOT NULL,
    "periodStart" timestamp(3),
    "periodEnd" timestamp(3),
    "status" text NOT NULL DEFAULT 'draft',
    "totalEmployees" integer NOT NULL DEFAULT 0,
    "totalGrossPay" numeric(12,2) NOT NULL DEFAULT 0,
    "totalDeductions" numeric(12,2) NOT NULL DEFAULT 0,
    "totalNetPay" numeric(12,2) NOT NULL DEFAULT 0,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" text,
    "approvedAt" timestamp(3),
    "approvedBy" text,
    "exportedAt" timestamp(3),
    "closedAt" timestamp(3),
    "notes" text,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "payroll_periods_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "payroll_periods_businessId_year_month_key" UNIQUE ("businessId", "year", "month")
);

CREATE TABLE payroll_entries (
    "id" text NOT NULL,
    "payrollPeriodId" text,
    "employeeId" text,
    "employeeNumber" text,
    "employeeName" text,
    "nationalId" text,
    "overtimeHours" numeric(10,2) NOT NULL DEFAULT 0,
    "baseSalary" numeric(12,2) NOT NULL DEFAULT 0,
    "commission" numeric(12,2) NOT NULL DEFAULT 0,
    "livingAllowance" numeric(12,2) NOT NULL DEFAULT 0,
    "vehicleAllowance" numeric(12,2) NOT NULL DEFAULT 0,
    "travelAllowance" numeric(12,2) NOT NULL DEFAULT 0,
    "overtimePay" numeric(12,2) NOT NULL DEFAULT 0,
    "benefitsTotal" numeric(12,2) NOT NULL DEFAULT 0,
    "benefitsBreakdown" jsonb,
    "loanDeductions" numeric(12,2) NOT NULL DEFAULT 0,
    "advanceDeductions" numeric(12,2) NOT NULL DEFAULT 0,
    "advanceBreakdown" jsonb,
    "miscDeductions" numeric(12,2) NOT NULL DEFAULT 0,
    "grossPay" numeric(12,2) NOT NULL DEFAULT 0,
    "totalDeductions" numeric(12,2) NOT NULL DEFAULT 0,
    "netPay" numeric(12,2) NOT NULL DEFAULT 0,
    "adjustmentsTotal" numeric(12,2) NOT NULL DEFAULT 0,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "notes" text,
    "absenceDays" integer NOT NULL DEFAULT 0,
    "dateOfBirth" timestamp(3),
    "hireDate" timestamp(3),
    "leaveDays" integer NOT NULL DEFAULT 0,
    "processedBy" text,
    "sickDays" integer NOT NULL DEFAULT 0,
    "terminationDate" timestamp(3),
    "workDays" integer NOT NULL DEFAULT 0,
    "absenceFraction" numeric(4,2) NOT NULL DEFAULT 0,
    "contractEndDate" timestamp(3),
    "contractId" text,
    "contractNumber" text,
    "contractStartDate" timestamp(3),
    "isProrated" boolean NOT NULL DEFAULT false,
    "doubleTimeOvertimeHours" numeric(10,2) NOT NULL DEFAULT 0,
    "standardOvertimeHours" numeric(10,2) NOT NULL DEFAULT 0,
    "contractSnapshot" jsonb,
    CONSTRAINT "payroll_entries_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "payroll_entries_payrollPeriodId_idx" ON payroll_entries ("payrollPeriodId");

CREATE TABLE payroll_entry_benefits (
    "id" text NOT NULL,
    "payrollEntryId" text NOT NULL,
    "benefitTypeId" text NOT NULL,
    "benefitName" text NOT NULL,
    "amount" numeric(12,2) NOT NULL,
    "isActive" boolean NOT NULL DEFAULT true,
    "deactivatedReason" text,
    "source" text NOT NULL DEFAULT 'contract',
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "payroll_entry_benefits_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "payroll_entry_benefits_benefitTypeId_idx" ON payroll_entry_benefits ("benefitTypeId");

CREATE INDEX "payroll_entry_benefits_payrollEntryId_idx" ON payroll_entry_benefits ("payrollEntryId");

CREATE TABLE payroll_exports (
    "id" text NOT NULL,
    "payrollPeriodId" text NOT NULL,
    "businessId" text NOT NULL,
    "year" integer NOT NULL,
    "month" integer NOT NULL,
    "fileName" text NOT NULL,
    "fileUrl" text NOT NULL,
    "fileSize" integer NOT NULL,
    "format" text NOT NULL DEFAULT 'excel',
    "includesMonths" integer[],
    "employeeCount" integer NOT NULL,
    "totalGrossPay" numeric(12,2) NOT NULL,
    "totalNetPay" numeric(12,2) NOT NULL,
    "exportedAt" timestamp(3),
    "exportedBy" text NOT NULL,
    "generationType" text NOT NULL,
    "notes" text,
    CONSTRAINT "payroll_exports_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "payroll_exports_businessId_idx" ON payroll_exports ("businessId");

CREATE TABLE payroll_adjustments (
    "id" text NOT NULL,
    "payrollEntryId" text,
    "amount" numeric(12,2) NOT NULL,
    "reason" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" text,
    "adjustmentType" text,
    "approvedAt" timestamp(3),
    "approvedBy" text,
    "status" text NOT NULL DEFAULT 'pending',
    "updatedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "payroll_adjustments_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "payroll_adjustments_payrollEntryId_idx" ON payroll_adjustments ("payrollEntryId");

CREATE TABLE payroll_account_deposits (
    "id" text NOT NULL,
    "payrollAccountId" text NOT NULL,
    "businessId" text NOT NULL,
    "amount" numeric(12,2) NOT NULL,
    "depositDate" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "transactionType" text NOT NULL,
    "autoGeneratedNote" text,
    "createdBy" text NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expenseId" text,
    CONSTRAINT "payroll_account_deposits_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "payroll_account_deposits_businessId_idx" ON payroll_account_deposits ("businessId");

CREATE TABLE payroll_account_payments (
    "id" text NOT NULL,
    "payrollAccountId" text NOT NULL,
    "employeeId" text NOT NULL,
    "amount" numeric(12,2) NOT NULL,
    "paymentDate" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "paymentType" text NOT NULL,
    "status" text NOT NULL DEFAULT 'PENDING',
    "isAdvance" boolean NOT NULL DEFAULT false,
    "isLocked" boolean NOT NULL DEFAULT false,
    "createdBy" text NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "payroll_account_payments_pkey" PRIMARY KEY ("id")
);
