-- business: hr payroll

CREATE TABLE employees (
    "id" text NOT NULL,
    "compensationTypeId" text NOT NULL,
    "driverLicenseTemplateId" text,
    "idFormatTemplateId" text,
    "jobTitleId" text NOT NULL,
    "primaryBusinessId" text NOT NULL,
    "supervisorId" text,
    "userId" text,
    "employeeNumber" text NOT NULL,
    "firstName" text NOT NULL,
    "lastName" text NOT NULL,
    "fullName" text GENERATED ALWAYS AS ("firstName" || ' ' || "lastName") STORED,
    "email" text,
    "phone" text,
    "nationalId" text NOT NULL,
    "hireDate" date NOT NULL,
    "dateOfBirth" date,
    "employmentStatus" "EmploymentStatus" NOT NULL,
    "baseSalary" numeric(12,2),
    "skills" text[],
    "emergencyContact" jsonb,
    "photo" bytea,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "employees_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "employees_email_key" UNIQUE ("email"),
    CONSTRAINT "employees_employeeNumber_key" UNIQUE ("employeeNumber"),
    CONSTRAINT "employees_nationalId_key" UNIQUE ("nationalId"),
    CONSTRAINT "employees_userId_key" UNIQUE ("userId")
);

CREATE TABLE employee_contracts (
    "id" text NOT NULL,
    "compensationTypeId" text NOT NULL,
    "employeeId" text NOT NULL,
    "jobTitleId" text NOT NULL,
    "previousContractId" text,
    "primaryBusinessId" text NOT NULL,
    "supervisorId" text,
    "umbrellaBusinessId" text,
    "contractNumber" text NOT NULL,
    "startDate" date NOT NULL,
    "endDate" date,
    "baseSalary" numeric(12,2) NOT NULL,
    "status" text NOT NULL,
    "terms" text,
    "signedPdf" bytea,
    "signedAt" timestamptz,
    "version" integer NOT NULL DEFAULT 1,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "employee_contracts_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "employee_contracts_contractNumber_key" UNIQUE ("contractNumber")
);

CREATE INDEX "employee_contracts_employeeId_idx" ON employee_contracts ("employeeId");

CREATE TABLE employee_business_assignments (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "employeeId" text NOT NULL,
    "role" text,
    "startDate" date NOT NULL,
    "endDate" date,
    "isActive" boolean NOT NULL DEFAULT true,
    "share" numeric(5,4),
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "employee_business_assignments_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "employee_business_assignments_employeeId_businessId_key" UNIQUE ("employeeId", "businessId")
);

CREATE INDEX "employee_business_assignments_businessId_idx" ON employee_business_assignments ("businessId");

CREATE TABLE employee_benefits (
    "id" text NOT NULL,
    "benefitTypeId" text NOT NULL,
    "employeeId" text NOT NULL,
    "amount" numeric(12,2) NOT NULL,
    "startDate" date NOT NULL,
    "endDate" date,
    "notes" text,
    "isActive" boolean NOT NULL DEFAULT true,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "employee_benefits_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "employee_benefits_employeeId_idx" ON employee_benefits ("employeeId");

CREATE TABLE employee_allowances (
    "id" text NOT NULL,
    "approvedBy" text,
    "employeeId" text NOT NULL,
    "type" text NOT NULL,
    "amount" numeric(12,2) NOT NULL,
    "effectiveOn" date NOT NULL,
    "notes" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "employee_allowances_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "employee_allowances_employeeId_idx" ON employee_allowances ("employeeId");

CREATE TABLE employee_bonuses (
    "id" text NOT NULL,
    "approvedBy" text,
    "employeeId" text NOT NULL,
    "type" text NOT NULL,
    "amount" numeric(12,2) NOT NULL,
    "paidOn" date,
    "reason" text,
    "isRecurring" boolean NOT NULL DEFAULT false,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "employee_bonuses_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "employee_bonuses_employeeId_idx" ON employee_bonuses ("employeeId");

CREATE TABLE employee_deductions (
    "id" text NOT NULL,
    "approvedBy" text,
    "employeeId" text NOT NULL,
    "type" text NOT NULL,
    "totalAmount" numeric(12,2) NOT NULL,
    "monthlyDeduction" numeric(12,2) NOT NULL,
    "startDate" date NOT NULL,
    "status" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "employee_deductions_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "employee_deductions_employeeId_idx" ON employee_deductions ("employeeId");

CREATE TABLE employee_loans (
    "id" text NOT NULL,
    "approvedBy" text,
    "employeeId" text NOT NULL,
    "principal" numeric(12,2) NOT NULL,
    "interestRate" double precision NOT NULL DEFAULT 0,
    "termMonths" smallint,
    "purpose" text,
    "status" "LoanStatus" NOT NULL,
    "issuedAt" timestamptz NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "employee_loans_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "employee_loans_employeeId_idx" ON employee_loans ("employeeId");

CREATE TABLE employee_salary_increases (
    "id" text NOT NULL,
    "approvedBy" text,
    "employeeId" text NOT NULL,
    "previousSalary" numeric(12,2) NOT NULL,
    "newSalary" numeric(12,2) NOT NULL,
    "effectiveOn" date NOT NULL,
    "reason" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "employee_salary_increases_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "employee_salary_increases_employeeId_idx" ON employee_salary_increases ("employeeId");

CREATE TABLE employee_leave_requests (
    "id" text NOT NULL,
    "approvedBy" text,
    "employeeId" text NOT NULL,
    "leaveType" text NOT NULL,
    "startDate" date NOT NULL,
    "endDate" date NOT NULL,
    "status" "LeaveStatus" NOT NULL,
    "reason" text,
    "requestedAt" timestamptz NOT NULL,
    "attachments" bytea[],
    CONSTRAINT "employee_leave_requests_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "employee_leave_requests_employeeId_idx" ON employee_leave_requests ("employeeId");

CREATE TABLE employee_leave_balance (
    "id" text NOT NULL,
    "employeeId" text NOT NULL,
    "year" integer NOT NULL,
    "annualDays" numeric(5,2) NOT NULL DEFAULT 21,
    "sickDays" numeric(5,2) NOT NULL DEFAULT 10,
    "usedDays" real,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "employee_leave_balance_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "employee_leave_balance_employeeId_year_key" UNIQUE ("employeeId", "year")
);

CREATE TABLE employee_attendance (
    "id" text NOT NULL,
    "employeeId" text NOT NULL,
    "date" date NOT NULL,
    "checkIn" time,
    "checkOut" time,
    "hours" numeric(5,2),
    "status" text,
    "source" inet,
    "notes" text,
    CONSTRAINT "employee_attendance_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "employee_attendance_employeeId_date_key" UNIQUE ("employeeId", "date")
);

CREATE TABLE employee_time_tracking (
    "id" text NOT NULL,
    "employeeId" text NOT NULL,
    "year" integer NOT NULL,
    "month" integer NOT NULL,
    "hoursByDay" integer[],
    "overtime" interval,
    "isApproved" boolean NOT NULL DEFAULT false,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "employee_time_tracking_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "employee_time_tracking_employeeId_year_month_key" UNIQUE ("employeeId", "year", "month"),
    CONSTRAINT "employee_time_tracking_month_check" CHECK ("month" BETWEEN 1 AND 12)
);

CREATE TABLE disciplinary_actions (
    "id" text NOT NULL,
    "createdBy" text NOT NULL,
    "employeeId" text NOT NULL,
    "violation" text NOT NULL,
    "description" text NOT NULL,
    "severity" smallint NOT NULL,
    "actionDate" date NOT NULL,
    "evidence" bytea,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "disciplinary_actions_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "disciplinary_actions_severity_check" CHECK ("severity" BETWEEN 1 AND 5)
);

CREATE INDEX "disciplinary_actions_employeeId_idx" ON disciplinary_actions ("employeeId");

CREATE TABLE employee_deduction_payments (
    "id" text NOT NULL,
    "deductionId" text NOT NULL,
    "processedBy" text,
    "amount" numeric(12,2) NOT NULL,
    "paidOn" date NOT NULL,
    "reference" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "employee_deduction_payments_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "employee_deduction_payments_deductionId_idx" ON employee_deduction_payments ("deductionId");

CREATE TABLE employee_loan_payments (
    "id" text NOT NULL,
    "loanId" text NOT NULL,
    "processedBy" text,
    "amount" numeric(12,2) NOT NULL,
    "interest" numeric(12,6),
    "paidOn" date NOT NULL,
    "notes" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "employee_loan_payments_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "employee_loan_payments_loanId_idx" ON employee_loan_payments ("loanId");

CREATE TABLE contract_benefits (
    "id" text NOT NULL,
    "benefitTypeId" text NOT NULL,
    "contractId" text NOT NULL,
    "amount" numeric(12,2) NOT NULL,
    "isPercentage" boolean NOT NULL DEFAULT false,
    "notes" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "contract_benefits_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "contract_benefits_contractId_idx" ON contract_benefits ("contractId");

CREATE TABLE contract_renewals (
    "id" text NOT NULL,
    "employeeId" text NOT NULL,
    "newContractId" text,
    "originalContractId" text NOT NULL,
    "status" text NOT NULL,
    "renewalDueDate" date NOT NULL,
    "proposedSalary" numeric(12,2),
    "notes" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "contract_renewals_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "contract_renewals_employeeId_idx" ON contract_renewals ("employeeId");

CREATE TABLE payroll_accounts (
    "id" text NOT NULL,
    "businessId" text,
    "createdBy" text NOT NULL,
    "accountNumber" text NOT NULL,
    "accountName" text NOT NULL,
    "balance" numeric(16,2) NOT NULL DEFAULT 0,
    "isActive" boolean NOT NULL DEFAULT true,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "payroll_accounts_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "payroll_accounts_accountNumber_key" UNIQUE ("accountNumber"),
    CONSTRAINT "payroll_accounts_businessId_key" UNIQUE ("businessId")
);

CREATE TABLE payroll_periods (
    "id" text NOT NULL,
    "approvedBy" text,
    "businessId" text NOT NULL,
    "createdBy" text,
    "year" integer NOT NULL,
    "month" integer NOT NULL,
    "status" "PayrollStatus" NOT NULL,
    "periodStart" date NOT NULL,
    "periodEnd" date NOT NULL,
    "totalGross" numeric(16,2) NOT NULL DEFAULT 0,
    "closedAt" timestamptz,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "payroll_periods_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "payroll_periods_businessId_year_month_key" UNIQUE ("businessId", "year", "month"),
    CONSTRAINT "payroll_periods_month_check" CHECK ("month" BETWEEN 1 AND 12)
);

CREATE TABLE payroll_entries (
    "id" text NOT NULL,
    "employeeId" text,
    "payrollPeriodId" text,
    "processedBy" text,
    "baseSalary" numeric(12,2) NOT NULL,
    "gross" numeric(12,2) NOT NULL,
    "deductions" numeric(12,2) NOT NULL DEFAULT 0,
    "net" numeric(12,2) GENERATED ALWAYS AS ("gross" - "deductions") STORED,
    "workDays" smallint,
    "breakdown" jsonb,
    "notes" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" timestamp(3) NOT NULL,
    CONSTRAINT "payroll_entries_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "payroll_entries_payrollPeriodId_idx" ON payroll_entries ("payrollPeriodId");

CREATE TABLE payroll_entry_benefits (
    "id" text NOT NULL,
    "benefitTypeId" text NOT NULL,
    "payrollEntryId" text NOT NULL,
    "amount" numeric(12,2) NOT NULL,
    "description" text,
    "isActive" boolean NOT NULL DEFAULT true,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "payroll_entry_benefits_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "payroll_entry_benefits_benefitTypeId_idx" ON payroll_entry_benefits ("benefitTypeId");
CREATE INDEX "payroll_entry_benefits_payrollEntryId_idx" ON payroll_entry_benefits ("payrollEntryId");

CREATE TABLE payroll_exports (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "exportedBy" text NOT NULL,
    "payrollPeriodId" text NOT NULL,
    "fileName" text NOT NULL,
    "content" bytea,
    "rowsExported" integer NOT NULL,
    "checksum" text,
    "exportedAt" timestamptz NOT NULL,
    CONSTRAINT "payroll_exports_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "payroll_exports_businessId_idx" ON payroll_exports ("businessId");

CREATE TABLE payroll_adjustments (
    "id" text NOT NULL,
    "approvedBy" text,
    "createdBy" text,
    "payrollEntryId" text,
    "type" text NOT NULL,
    "amount" numeric(12,2) NOT NULL,
    "reason" text,
    "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "payroll_adjustments_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "payroll_adjustments_payrollEntryId_idx" ON payroll_adjustments ("payrollEntryId");

CREATE TABLE payroll_account_deposits (
    "id" text NOT NULL,
    "businessId" text NOT NULL,
    "createdBy" text NOT NULL,
    "payrollAccountId" text NOT NULL,
    "amount" numeric(14,2) NOT NULL,
    "note" text,
    "depositedAt" timestamptz NOT NULL,
    CONSTRAINT "payroll_account_deposits_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "payroll_account_deposits_businessId_idx" ON payroll_account_deposits ("businessId");

CREATE TABLE payroll_account_payments (
    "id" text NOT NULL,
    "createdBy" text NOT NULL,
    "employeeId" text NOT NULL,
    "payrollAccountId" text NOT NULL,
    "amount" numeric(14,2) NOT NULL,
    "status" text NOT NULL,
    "note" text,
    "paidAt" timestamptz NOT NULL,
    "dueOn" date,
    CONSTRAINT "payroll_account_payments_pkey" PRIMARY KEY ("id")
);
