-- Foreign keys stand apart from the tables, since groups point at each other in both directions.

-- accounts
ALTER TABLE accounts ADD CONSTRAINT "accounts_userId_fkey"
    FOREIGN KEY ("userId") REFERENCES users ("id") ON DELETE CASCADE;

-- businesses
ALTER TABLE businesses ADD CONSTRAINT "businesses_umbrellaBusinessId_fkey"
    FOREIGN KEY ("umbrellaBusinessId") REFERENCES businesses ("id") ON DELETE SET NULL;

-- business_memberships
ALTER TABLE business_memberships ADD CONSTRAINT "business_memberships_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;
ALTER TABLE business_memberships ADD CONSTRAINT "business_memberships_templateId_fkey"
    FOREIGN KEY ("templateId") REFERENCES permission_templates ("id") ON DELETE SET NULL;
ALTER TABLE business_memberships ADD CONSTRAINT "business_memberships_userId_fkey"
    FOREIGN KEY ("userId") REFERENCES users ("id") ON DELETE CASCADE;

-- business_accounts
ALTER TABLE business_accounts ADD CONSTRAINT "business_accounts_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;
ALTER TABLE business_accounts ADD CONSTRAINT "business_accounts_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE SET NULL;

-- business_locations
ALTER TABLE business_locations ADD CONSTRAINT "business_locations_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE RESTRICT;
ALTER TABLE business_locations ADD CONSTRAINT "business_locations_parentLocationId_fkey"
    FOREIGN KEY ("parentLocationId") REFERENCES business_locations ("id");

-- business_brands
ALTER TABLE business_brands ADD CONSTRAINT "business_brands_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE RESTRICT;

-- business_categories
ALTER TABLE business_categories ADD CONSTRAINT "business_categories_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE SET NULL;
ALTER TABLE business_categories ADD CONSTRAINT "business_categories_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE SET NULL;
ALTER TABLE business_categories ADD CONSTRAINT "business_categories_domainId_fkey"
    FOREIGN KEY ("domainId") REFERENCES inventory_domains ("id") ON DELETE SET NULL;
ALTER TABLE business_categories ADD CONSTRAINT "business_categories_parentId_fkey"
    FOREIGN KEY ("parentId") REFERENCES business_categories ("id") ON DELETE SET NULL;

-- portal_integrations
ALTER TABLE portal_integrations ADD CONSTRAINT "portal_integrations_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;
ALTER TABLE portal_integrations ADD CONSTRAINT "portal_integrations_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE RESTRICT;
ALTER TABLE portal_integrations ADD CONSTRAINT "portal_integrations_expenseAccountId_fkey"
    FOREIGN KEY ("expenseAccountId") REFERENCES expense_accounts ("id") ON DELETE SET NULL;

-- business_products
ALTER TABLE business_products ADD CONSTRAINT "business_products_brandId_fkey"
    FOREIGN KEY ("brandId") REFERENCES business_brands ("id") ON DELETE SET NULL;
ALTER TABLE business_products ADD CONSTRAINT "business_products_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE RESTRICT;
ALTER TABLE business_products ADD CONSTRAINT "business_products_categoryId_fkey"
    FOREIGN KEY ("categoryId") REFERENCES business_categories ("id") ON DELETE RESTRICT;
ALTER TABLE business_products ADD CONSTRAINT "business_products_createdFromTemplateId_fkey"
    FOREIGN KEY ("createdFromTemplateId") REFERENCES barcode_templates ("id") ON DELETE SET NULL;
ALTER TABLE business_products ADD CONSTRAINT "business_products_locationId_fkey"
    FOREIGN KEY ("locationId") REFERENCES business_locations ("id") ON DELETE SET NULL;
ALTER TABLE business_products ADD CONSTRAINT "business_products_subcategoryId_fkey"
    FOREIGN KEY ("subcategoryId") REFERENCES inventory_subcategories ("id") ON DELETE SET NULL;
ALTER TABLE business_products ADD CONSTRAINT "business_products_supplierId_fkey"
    FOREIGN KEY ("supplierId") REFERENCES business_suppliers ("id") ON DELETE SET NULL;

-- product_variants
ALTER TABLE product_variants ADD CONSTRAINT "product_variants_productId_fkey"
    FOREIGN KEY ("productId") REFERENCES business_products ("id") ON DELETE RESTRICT;

-- product_barcodes
ALTER TABLE product_barcodes ADD CONSTRAINT "product_barcodes_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;
ALTER TABLE product_barcodes ADD CONSTRAINT "product_barcodes_createdById_fkey"
    FOREIGN KEY ("createdById") REFERENCES users ("id") ON DELETE SET NULL;
ALTER TABLE product_barcodes ADD CONSTRAINT "product_barcodes_productId_fkey"
    FOREIGN KEY ("productId") REFERENCES business_products ("id") ON DELETE CASCADE;
ALTER TABLE product_barcodes ADD CONSTRAINT "product_barcodes_variantId_fkey"
    FOREIGN KEY ("variantId") REFERENCES product_variants ("id") ON DELETE CASCADE;

-- product_images
ALTER TABLE product_images ADD CONSTRAINT "product_images_productId_fkey"
    FOREIGN KEY ("productId") REFERENCES business_products ("id") ON DELETE RESTRICT;

-- product_attributes
ALTER TABLE product_attributes ADD CONSTRAINT "product_attributes_productId_fkey"
    FOREIGN KEY ("productId") REFERENCES business_products ("id") ON DELETE RESTRICT;

-- business_stock_movements
ALTER TABLE business_stock_movements ADD CONSTRAINT "business_stock_movements_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE RESTRICT;
ALTER TABLE business_stock_movements ADD CONSTRAINT "business_stock_movements_businessProductId_fkey"
    FOREIGN KEY ("businessProductId") REFERENCES business_products ("id") ON DELETE SET NULL;
ALTER TABLE business_stock_movements ADD CONSTRAINT "business_stock_movements_employeeId_fkey"
    FOREIGN KEY ("employeeId") REFERENCES employees ("id") ON DELETE SET NULL;
ALTER TABLE business_stock_movements ADD CONSTRAINT "business_stock_movements_productVariantId_fkey"
    FOREIGN KEY ("productVariantId") REFERENCES product_variants ("id") ON DELETE RESTRICT;

-- supplier_products
ALTER TABLE supplier_products ADD CONSTRAINT "supplier_products_productId_fkey"
    FOREIGN KEY ("productId") REFERENCES business_products ("id") ON DELETE RESTRICT;
ALTER TABLE supplier_products ADD CONSTRAINT "supplier_products_supplierId_fkey"
    FOREIGN KEY ("supplierId") REFERENCES business_suppliers ("id") ON DELETE RESTRICT;

-- business_suppliers
ALTER TABLE business_suppliers ADD CONSTRAINT "business_suppliers_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE SET NULL;

-- inventory_subcategories
ALTER TABLE inventory_subcategories ADD CONSTRAINT "inventory_subcategories_categoryId_fkey"
    FOREIGN KEY ("categoryId") REFERENCES business_categories ("id") ON DELETE CASCADE;
ALTER TABLE inventory_subcategories ADD CONSTRAINT "inventory_subcategories_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE SET NULL;

-- sku_sequences
ALTER TABLE sku_sequences ADD CONSTRAINT "sku_sequences_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;

-- product_price_changes
ALTER TABLE product_price_changes ADD CONSTRAINT "product_price_changes_barcodeJobId_fkey"
    FOREIGN KEY ("barcodeJobId") REFERENCES barcode_print_jobs ("id") ON DELETE SET NULL;
ALTER TABLE product_price_changes ADD CONSTRAINT "product_price_changes_changedBy_fkey"
    FOREIGN KEY ("changedBy") REFERENCES users ("id") ON DELETE SET NULL;
ALTER TABLE product_price_changes ADD CONSTRAINT "product_price_changes_productId_fkey"
    FOREIGN KEY ("productId") REFERENCES business_products ("id") ON DELETE CASCADE;

-- business_customers
ALTER TABLE business_customers ADD CONSTRAINT "business_customers_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE RESTRICT;

-- business_orders
ALTER TABLE business_orders ADD CONSTRAINT "business_orders_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE RESTRICT;
ALTER TABLE business_orders ADD CONSTRAINT "business_orders_customerId_fkey"
    FOREIGN KEY ("customerId") REFERENCES business_customers ("id") ON DELETE SET NULL;
ALTER TABLE business_orders ADD CONSTRAINT "business_orders_employeeId_fkey"
    FOREIGN KEY ("employeeId") REFERENCES employees ("id") ON DELETE SET NULL;

-- business_order_items
ALTER TABLE business_order_items ADD CONSTRAINT "business_order_items_orderId_fkey"
    FOREIGN KEY ("orderId") REFERENCES business_orders ("id") ON DELETE RESTRICT;
ALTER TABLE business_order_items ADD CONSTRAINT "business_order_items_productVariantId_fkey"
    FOREIGN KEY ("productVariantId") REFERENCES product_variants ("id") ON DELETE RESTRICT;

-- business_transactions
ALTER TABLE business_transactions ADD CONSTRAINT "business_transactions_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;
ALTER TABLE business_transactions ADD CONSTRAINT "business_transactions_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE RESTRICT;

-- customer_laybys
ALTER TABLE customer_laybys ADD CONSTRAINT "customer_laybys_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE RESTRICT;
ALTER TABLE customer_laybys ADD CONSTRAINT "customer_laybys_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE RESTRICT;
ALTER TABLE customer_laybys ADD CONSTRAINT "customer_laybys_customerId_fkey"
    FOREIGN KEY ("customerId") REFERENCES business_customers ("id") ON DELETE SET NULL;

-- customer_layby_payments
ALTER TABLE customer_layby_payments ADD CONSTRAINT "customer_layby_payments_laybyId_fkey"
    FOREIGN KEY ("laybyId") REFERENCES customer_laybys ("id") ON DELETE CASCADE;
ALTER TABLE customer_layby_payments ADD CONSTRAINT "customer_layby_payments_processedBy_fkey"
    FOREIGN KEY ("processedBy") REFERENCES users ("id") ON DELETE RESTRICT;
ALTER TABLE customer_layby_payments ADD CONSTRAINT "customer_layby_payments_refundedPaymentId_fkey"
    FOREIGN KEY ("refundedPaymentId") REFERENCES customer_layby_payments ("id") ON DELETE SET NULL;

-- employees
ALTER TABLE employees ADD CONSTRAINT "employees_compensationTypeId_fkey"
    FOREIGN KEY ("compensationTypeId") REFERENCES compensation_types ("id") ON DELETE RESTRICT;
ALTER TABLE employees ADD CONSTRAINT "employees_driverLicenseTemplateId_fkey"
    FOREIGN KEY ("driverLicenseTemplateId") REFERENCES driver_license_templates ("id") ON DELETE SET NULL;
ALTER TABLE employees ADD CONSTRAINT "employees_idFormatTemplateId_fkey"
    FOREIGN KEY ("idFormatTemplateId") REFERENCES id_format_templates ("id") ON DELETE SET NULL;
ALTER TABLE employees ADD CONSTRAINT "employees_jobTitleId_fkey"
    FOREIGN KEY ("jobTitleId") REFERENCES job_titles ("id") ON DELETE RESTRICT;
ALTER TABLE employees ADD CONSTRAINT "employees_primaryBusinessId_fkey"
    FOREIGN KEY ("primaryBusinessId") REFERENCES businesses ("id") ON DELETE RESTRICT;
ALTER TABLE employees ADD CONSTRAINT "employees_supervisorId_fkey"
    FOREIGN KEY ("supervisorId") REFERENCES employees ("id") ON DELETE SET NULL;
ALTER TABLE employees ADD CONSTRAINT "employees_userId_fkey"
    FOREIGN KEY ("userId") REFERENCES users ("id") ON DELETE SET NULL;

-- employee_contracts
ALTER TABLE employee_contracts ADD CONSTRAINT "employee_contracts_compensationTypeId_fkey"
    FOREIGN KEY ("compensationTypeId") REFERENCES compensation_types ("id") ON DELETE RESTRICT;
ALTER TABLE employee_contracts ADD CONSTRAINT "employee_contracts_employeeId_fkey"
    FOREIGN KEY ("employeeId") REFERENCES employees ("id") ON DELETE CASCADE;
ALTER TABLE employee_contracts ADD CONSTRAINT "employee_contracts_jobTitleId_fkey"
    FOREIGN KEY ("jobTitleId") REFERENCES job_titles ("id") ON DELETE RESTRICT;
ALTER TABLE employee_contracts ADD CONSTRAINT "employee_contracts_previousContractId_fkey"
    FOREIGN KEY ("previousContractId") REFERENCES employee_contracts ("id") ON DELETE SET NULL;
ALTER TABLE employee_contracts ADD CONSTRAINT "employee_contracts_primaryBusinessId_fkey"
    FOREIGN KEY ("primaryBusinessId") REFERENCES businesses ("id") ON DELETE RESTRICT;
ALTER TABLE employee_contracts ADD CONSTRAINT "employee_contracts_supervisorId_fkey"
    FOREIGN KEY ("supervisorId") REFERENCES employees ("id") ON DELETE SET NULL;
ALTER TABLE employee_contracts ADD CONSTRAINT "employee_contracts_umbrellaBusinessId_fkey"
    FOREIGN KEY ("umbrellaBusinessId") REFERENCES businesses ("id") ON DELETE SET NULL;

-- employee_business_assignments
ALTER TABLE employee_business_assignments ADD CONSTRAINT "employee_business_assignments_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE RESTRICT;
ALTER TABLE employee_business_assignments ADD CONSTRAINT "employee_business_assignments_employeeId_fkey"
    FOREIGN KEY ("employeeId") REFERENCES employees ("id") ON DELETE CASCADE;

-- employee_benefits
ALTER TABLE employee_benefits ADD CONSTRAINT "employee_benefits_benefitTypeId_fkey"
    FOREIGN KEY ("benefitTypeId") REFERENCES benefit_types ("id") ON DELETE RESTRICT;
ALTER TABLE employee_benefits ADD CONSTRAINT "employee_benefits_employeeId_fkey"
    FOREIGN KEY ("employeeId") REFERENCES employees ("id") ON DELETE CASCADE;

-- employee_allowances
ALTER TABLE employee_allowances ADD CONSTRAINT "employee_allowances_approvedBy_fkey"
    FOREIGN KEY ("approvedBy") REFERENCES employees ("id") ON DELETE SET NULL;
ALTER TABLE employee_allowances ADD CONSTRAINT "employee_allowances_employeeId_fkey"
    FOREIGN KEY ("employeeId") REFERENCES employees ("id") ON DELETE CASCADE;

-- employee_bonuses
ALTER TABLE employee_bonuses ADD CONSTRAINT "employee_bonuses_approvedBy_fkey"
    FOREIGN KEY ("approvedBy") REFERENCES employees ("id") ON DELETE SET NULL;
ALTER TABLE employee_bonuses ADD CONSTRAINT "employee_bonuses_employeeId_fkey"
    FOREIGN KEY ("employeeId") REFERENCES employees ("id") ON DELETE CASCADE;

-- employee_deductions
ALTER TABLE employee_deductions ADD CONSTRAINT "employee_deductions_approvedBy_fkey"
    FOREIGN KEY ("approvedBy") REFERENCES employees ("id") ON DELETE SET NULL;
ALTER TABLE employee_deductions ADD CONSTRAINT "employee_deductions_employeeId_fkey"
    FOREIGN KEY ("employeeId") REFERENCES employees ("id") ON DELETE CASCADE;

-- employee_loans
ALTER TABLE employee_loans ADD CONSTRAINT "employee_loans_approvedBy_fkey"
    FOREIGN KEY ("approvedBy") REFERENCES employees ("id") ON DELETE SET NULL;
ALTER TABLE employee_loans ADD CONSTRAINT "employee_loans_employeeId_fkey"
    FOREIGN KEY ("employeeId") REFERENCES employees ("id") ON DELETE CASCADE;

-- employee_salary_increases
ALTER TABLE employee_salary_increases ADD CONSTRAINT "employee_salary_increases_approvedBy_fkey"
    FOREIGN KEY ("approvedBy") REFERENCES employees ("id") ON DELETE SET NULL;
ALTER TABLE employee_salary_increases ADD CONSTRAINT "employee_salary_increases_employeeId_fkey"
    FOREIGN KEY ("employeeId") REFERENCES employees ("id") ON DELETE CASCADE;

-- employee_leave_requests
ALTER TABLE employee_leave_requests ADD CONSTRAINT "employee_leave_requests_approvedBy_fkey"
    FOREIGN KEY ("approvedBy") REFERENCES employees ("id") ON DELETE SET NULL;
ALTER TABLE employee_leave_requests ADD CONSTRAINT "employee_leave_requests_employeeId_fkey"
    FOREIGN KEY ("employeeId") REFERENCES employees ("id") ON DELETE CASCADE;

-- employee_leave_balance
ALTER TABLE employee_leave_balance ADD CONSTRAINT "employee_leave_balance_employeeId_fkey"
    FOREIGN KEY ("employeeId") REFERENCES employees ("id") ON DELETE CASCADE;

-- employee_attendance
ALTER TABLE employee_attendance ADD CONSTRAINT "employee_attendance_employeeId_fkey"
    FOREIGN KEY ("employeeId") REFERENCES employees ("id") ON DELETE CASCADE;

-- employee_time_tracking
ALTER TABLE employee_time_tracking ADD CONSTRAINT "employee_time_tracking_employeeId_fkey"
    FOREIGN KEY ("employeeId") REFERENCES employees ("id") ON DELETE CASCADE;

-- disciplinary_actions
ALTER TABLE disciplinary_actions ADD CONSTRAINT "disciplinary_actions_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES employees ("id") ON DELETE RESTRICT;
ALTER TABLE disciplinary_actions ADD CONSTRAINT "disciplinary_actions_employeeId_fkey"
    FOREIGN KEY ("employeeId") REFERENCES employees ("id") ON DELETE CASCADE;

-- employee_deduction_payments
ALTER TABLE employee_deduction_payments ADD CONSTRAINT "employee_deduction_payments_deductionId_fkey"
    FOREIGN KEY ("deductionId") REFERENCES employee_deductions ("id") ON DELETE CASCADE;
ALTER TABLE employee_deduction_payments ADD CONSTRAINT "employee_deduction_payments_processedBy_fkey"
    FOREIGN KEY ("processedBy") REFERENCES employees ("id") ON DELETE SET NULL;

-- employee_loan_payments
ALTER TABLE employee_loan_payments ADD CONSTRAINT "employee_loan_payments_loanId_fkey"
    FOREIGN KEY ("loanId") REFERENCES employee_loans ("id") ON DELETE CASCADE;
ALTER TABLE employee_loan_payments ADD CONSTRAINT "employee_loan_payments_processedBy_fkey"
    FOREIGN KEY ("processedBy") REFERENCES employees ("id") ON DELETE SET NULL;

-- contract_benefits
ALTER TABLE contract_benefits ADD CONSTRAINT "contract_benefits_benefitTypeId_fkey"
    FOREIGN KEY ("benefitTypeId") REFERENCES benefit_types ("id") ON DELETE RESTRICT;
ALTER TABLE contract_benefits ADD CONSTRAINT "contract_benefits_contractId_fkey"
    FOREIGN KEY ("contractId") REFERENCES employee_contracts ("id") ON DELETE CASCADE;

-- contract_renewals
ALTER TABLE contract_renewals ADD CONSTRAINT "contract_renewals_employeeId_fkey"
    FOREIGN KEY ("employeeId") REFERENCES employees ("id") ON DELETE CASCADE;
ALTER TABLE contract_renewals ADD CONSTRAINT "contract_renewals_newContractId_fkey"
    FOREIGN KEY ("newContractId") REFERENCES employee_contracts ("id") ON DELETE SET NULL;
ALTER TABLE contract_renewals ADD CONSTRAINT "contract_renewals_originalContractId_fkey"
    FOREIGN KEY ("originalContractId") REFERENCES employee_contracts ("id") ON DELETE RESTRICT;

-- payroll_accounts
ALTER TABLE payroll_accounts ADD CONSTRAINT "payroll_accounts_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE SET NULL;
ALTER TABLE payroll_accounts ADD CONSTRAINT "payroll_accounts_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE RESTRICT;

-- payroll_periods
ALTER TABLE payroll_periods ADD CONSTRAINT "payroll_periods_approvedBy_fkey"
    FOREIGN KEY ("approvedBy") REFERENCES users ("id") ON DELETE SET NULL;
ALTER TABLE payroll_periods ADD CONSTRAINT "payroll_periods_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;
ALTER TABLE payroll_periods ADD CONSTRAINT "payroll_periods_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE SET NULL;

-- payroll_entries
ALTER TABLE payroll_entries ADD CONSTRAINT "payroll_entries_employeeId_fkey"
    FOREIGN KEY ("employeeId") REFERENCES employees ("id") ON DELETE SET NULL;
ALTER TABLE payroll_entries ADD CONSTRAINT "payroll_entries_payrollPeriodId_fkey"
    FOREIGN KEY ("payrollPeriodId") REFERENCES payroll_periods ("id") ON DELETE CASCADE;
ALTER TABLE payroll_entries ADD CONSTRAINT "payroll_entries_processedBy_fkey"
    FOREIGN KEY ("processedBy") REFERENCES users ("id") ON DELETE SET NULL;

-- payroll_entry_benefits
ALTER TABLE payroll_entry_benefits ADD CONSTRAINT "payroll_entry_benefits_benefitTypeId_fkey"
    FOREIGN KEY ("benefitTypeId") REFERENCES benefit_types ("id") ON DELETE CASCADE;
ALTER TABLE payroll_entry_benefits ADD CONSTRAINT "payroll_entry_benefits_payrollEntryId_fkey"
    FOREIGN KEY ("payrollEntryId") REFERENCES payroll_entries ("id") ON DELETE CASCADE;

-- payroll_exports
ALTER TABLE payroll_exports ADD CONSTRAINT "payroll_exports_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE RESTRICT;
ALTER TABLE payroll_exports ADD CONSTRAINT "payroll_exports_exportedBy_fkey"
    FOREIGN KEY ("exportedBy") REFERENCES users ("id") ON DELETE RESTRICT;
ALTER TABLE payroll_exports ADD CONSTRAINT "payroll_exports_payrollPeriodId_fkey"
    FOREIGN KEY ("payrollPeriodId") REFERENCES payroll_periods ("id") ON DELETE RESTRICT;

-- payroll_adjustments
ALTER TABLE payroll_adjustments ADD CONSTRAINT "payroll_adjustments_approvedBy_fkey"
    FOREIGN KEY ("approvedBy") REFERENCES users ("id") ON DELETE SET NULL;
ALTER TABLE payroll_adjustments ADD CONSTRAINT "payroll_adjustments_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE SET NULL;
ALTER TABLE payroll_adjustments ADD CONSTRAINT "payroll_adjustments_payrollEntryId_fkey"
    FOREIGN KEY ("payrollEntryId") REFERENCES payroll_entries ("id") ON DELETE CASCADE;

-- payroll_account_deposits
ALTER TABLE payroll_account_deposits ADD CONSTRAINT "payroll_account_deposits_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE RESTRICT;
ALTER TABLE payroll_account_deposits ADD CONSTRAINT "payroll_account_deposits_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE RESTRICT;
ALTER TABLE payroll_account_deposits ADD CONSTRAINT "payroll_account_deposits_payrollAccountId_fkey"
    FOREIGN KEY ("payrollAccountId") REFERENCES payroll_accounts ("id") ON DELETE RESTRICT;

-- payroll_account_payments
ALTER TABLE payroll_account_payments ADD CONSTRAINT "payroll_account_payments_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE RESTRICT;
ALTER TABLE payroll_account_payments ADD CONSTRAINT "payroll_account_payments_employeeId_fkey"
    FOREIGN KEY ("employeeId") REFERENCES employees ("id") ON DELETE RESTRICT;
ALTER TABLE payroll_account_payments ADD CONSTRAINT "payroll_account_payments_payrollAccountId_fkey"
    FOREIGN KEY ("payrollAccountId") REFERENCES payroll_accounts ("id") ON DELETE RESTRICT;

-- expense_accounts
ALTER TABLE expense_accounts ADD CONSTRAINT "expense_accounts_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE RESTRICT;

-- expense_account_deposits
ALTER TABLE expense_account_deposits ADD CONSTRAINT "expense_account_deposits_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE RESTRICT;
ALTER TABLE expense_account_deposits ADD CONSTRAINT "expense_account_deposits_expenseAccountId_fkey"
    FOREIGN KEY ("expenseAccountId") REFERENCES expense_accounts ("id") ON DELETE CASCADE;
ALTER TABLE expense_account_deposits ADD CONSTRAINT "expense_account_deposits_sourceBusinessId_fkey"
    FOREIGN KEY ("sourceBusinessId") REFERENCES businesses ("id") ON DELETE SET NULL;

-- expense_account_payments
ALTER TABLE expense_account_payments ADD CONSTRAINT "expense_account_payments_categoryId_fkey"
    FOREIGN KEY ("categoryId") REFERENCES expense_categories ("id") ON DELETE RESTRICT;
ALTER TABLE expense_account_payments ADD CONSTRAINT "expense_account_payments_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE RESTRICT;
ALTER TABLE expense_account_payments ADD CONSTRAINT "expense_account_payments_expenseAccountId_fkey"
    FOREIGN KEY ("expenseAccountId") REFERENCES expense_accounts ("id") ON DELETE CASCADE;
ALTER TABLE expense_account_payments ADD CONSTRAINT "expense_account_payments_payeeBusinessId_fkey"
    FOREIGN KEY ("payeeBusinessId") REFERENCES businesses ("id") ON DELETE SET NULL;
ALTER TABLE expense_account_payments ADD CONSTRAINT "expense_account_payments_payeeEmployeeId_fkey"
    FOREIGN KEY ("payeeEmployeeId") REFERENCES employees ("id") ON DELETE SET NULL;
ALTER TABLE expense_account_payments ADD CONSTRAINT "expense_account_payments_payeePersonId_fkey"
    FOREIGN KEY ("payeePersonId") REFERENCES persons ("id") ON DELETE SET NULL;
ALTER TABLE expense_account_payments ADD CONSTRAINT "expense_account_payments_payeeUserId_fkey"
    FOREIGN KEY ("payeeUserId") REFERENCES users ("id") ON DELETE SET NULL;
ALTER TABLE expense_account_payments ADD CONSTRAINT "expense_account_payments_subcategoryId_fkey"
    FOREIGN KEY ("subcategoryId") REFERENCES expense_subcategories ("id") ON DELETE SET NULL;
ALTER TABLE expense_account_payments ADD CONSTRAINT "expense_account_payments_submittedBy_fkey"
    FOREIGN KEY ("submittedBy") REFERENCES users ("id") ON DELETE SET NULL;

-- expense_categories
ALTER TABLE expense_categories ADD CONSTRAINT "expense_categories_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE SET NULL;
ALTER TABLE expense_categories ADD CONSTRAINT "expense_categories_domainId_fkey"
    FOREIGN KEY ("domainId") REFERENCES expense_domains ("id") ON DELETE SET NULL;

-- expense_subcategories
ALTER TABLE expense_subcategories ADD CONSTRAINT "expense_subcategories_categoryId_fkey"
    FOREIGN KEY ("categoryId") REFERENCES expense_categories ("id") ON DELETE CASCADE;
ALTER TABLE expense_subcategories ADD CONSTRAINT "expense_subcategories_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE SET NULL;

-- projects
ALTER TABLE projects ADD CONSTRAINT "projects_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE SET NULL;
ALTER TABLE projects ADD CONSTRAINT "projects_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE SET NULL;
ALTER TABLE projects ADD CONSTRAINT "projects_projectTypeId_fkey"
    FOREIGN KEY ("projectTypeId") REFERENCES project_types ("id") ON DELETE RESTRICT;

-- project_stages
ALTER TABLE project_stages ADD CONSTRAINT "project_stages_constructionProjectId_fkey"
    FOREIGN KEY ("constructionProjectId") REFERENCES construction_projects ("id") ON DELETE CASCADE;
ALTER TABLE project_stages ADD CONSTRAINT "project_stages_projectId_fkey"
    FOREIGN KEY ("projectId") REFERENCES projects ("id") ON DELETE CASCADE;

-- project_contractors
ALTER TABLE project_contractors ADD CONSTRAINT "project_contractors_constructionProjectId_fkey"
    FOREIGN KEY ("constructionProjectId") REFERENCES construction_projects ("id") ON DELETE CASCADE;
ALTER TABLE project_contractors ADD CONSTRAINT "project_contractors_personId_fkey"
    FOREIGN KEY ("personId") REFERENCES persons ("id") ON DELETE CASCADE;
ALTER TABLE project_contractors ADD CONSTRAINT "project_contractors_projectId_fkey"
    FOREIGN KEY ("projectId") REFERENCES projects ("id") ON DELETE CASCADE;

-- project_transactions
ALTER TABLE project_transactions ADD CONSTRAINT "project_transactions_approvedBy_fkey"
    FOREIGN KEY ("approvedBy") REFERENCES users ("id") ON DELETE SET NULL;
ALTER TABLE project_transactions ADD CONSTRAINT "project_transactions_constructionProjectId_fkey"
    FOREIGN KEY ("constructionProjectId") REFERENCES construction_projects ("id") ON DELETE CASCADE;
ALTER TABLE project_transactions ADD CONSTRAINT "project_transactions_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE SET NULL;
ALTER TABLE project_transactions ADD CONSTRAINT "project_transactions_personalExpenseId_fkey"
    FOREIGN KEY ("personalExpenseId") REFERENCES personal_expenses ("id") ON DELETE CASCADE;
ALTER TABLE project_transactions ADD CONSTRAINT "project_transactions_projectContractorId_fkey"
    FOREIGN KEY ("projectContractorId") REFERENCES project_contractors ("id") ON DELETE SET NULL;
ALTER TABLE project_transactions ADD CONSTRAINT "project_transactions_projectId_fkey"
    FOREIGN KEY ("projectId") REFERENCES projects ("id") ON DELETE CASCADE;
ALTER TABLE project_transactions ADD CONSTRAINT "project_transactions_recipientPersonId_fkey"
    FOREIGN KEY ("recipientPersonId") REFERENCES persons ("id") ON DELETE SET NULL;
ALTER TABLE project_transactions ADD CONSTRAINT "project_transactions_stageAssignmentId_fkey"
    FOREIGN KEY ("stageAssignmentId") REFERENCES stage_contractor_assignments ("id") ON DELETE SET NULL;
ALTER TABLE project_transactions ADD CONSTRAINT "project_transactions_stageId_fkey"
    FOREIGN KEY ("stageId") REFERENCES project_stages ("id") ON DELETE SET NULL;

-- construction_projects
ALTER TABLE construction_projects ADD CONSTRAINT "construction_projects_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE SET NULL;
ALTER TABLE construction_projects ADD CONSTRAINT "construction_projects_projectTypeId_fkey"
    FOREIGN KEY ("projectTypeId") REFERENCES project_types ("id") ON DELETE SET NULL;

-- construction_expenses
ALTER TABLE construction_expenses ADD CONSTRAINT "construction_expenses_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE SET NULL;
ALTER TABLE construction_expenses ADD CONSTRAINT "construction_expenses_projectId_fkey"
    FOREIGN KEY ("projectId") REFERENCES construction_projects ("id") ON DELETE CASCADE;

-- stage_contractor_assignments
ALTER TABLE stage_contractor_assignments ADD CONSTRAINT "stage_contractor_assignments_projectContractorId_fkey"
    FOREIGN KEY ("projectContractorId") REFERENCES project_contractors ("id") ON DELETE CASCADE;
ALTER TABLE stage_contractor_assignments ADD CONSTRAINT "stage_contractor_assignments_stageId_fkey"
    FOREIGN KEY ("stageId") REFERENCES project_stages ("id") ON DELETE CASCADE;

-- vehicles
ALTER TABLE vehicles ADD CONSTRAINT "vehicles_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE SET NULL;
ALTER TABLE vehicles ADD CONSTRAINT "vehicles_userId_fkey"
    FOREIGN KEY ("userId") REFERENCES users ("id") ON DELETE SET NULL;

-- vehicle_drivers
ALTER TABLE vehicle_drivers ADD CONSTRAINT "vehicle_drivers_driverLicenseTemplateId_fkey"
    FOREIGN KEY ("driverLicenseTemplateId") REFERENCES driver_license_templates ("id") ON DELETE SET NULL;
ALTER TABLE vehicle_drivers ADD CONSTRAINT "vehicle_drivers_userId_fkey"
    FOREIGN KEY ("userId") REFERENCES users ("id") ON DELETE SET NULL;

-- vehicle_expenses
ALTER TABLE vehicle_expenses ADD CONSTRAINT "vehicle_expenses_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE SET NULL;
ALTER TABLE vehicle_expenses ADD CONSTRAINT "vehicle_expenses_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE RESTRICT;
ALTER TABLE vehicle_expenses ADD CONSTRAINT "vehicle_expenses_tripId_fkey"
    FOREIGN KEY ("tripId") REFERENCES vehicle_trips ("id") ON DELETE SET NULL;
ALTER TABLE vehicle_expenses ADD CONSTRAINT "vehicle_expenses_vehicleId_fkey"
    FOREIGN KEY ("vehicleId") REFERENCES vehicles ("id") ON DELETE CASCADE;

-- vehicle_licenses
ALTER TABLE vehicle_licenses ADD CONSTRAINT "vehicle_licenses_vehicleId_fkey"
    FOREIGN KEY ("vehicleId") REFERENCES vehicles ("id") ON DELETE CASCADE;

-- driver_authorizations
ALTER TABLE driver_authorizations ADD CONSTRAINT "driver_authorizations_authorizedBy_fkey"
    FOREIGN KEY ("authorizedBy") REFERENCES users ("id") ON DELETE RESTRICT;
ALTER TABLE driver_authorizations ADD CONSTRAINT "driver_authorizations_driverId_fkey"
    FOREIGN KEY ("driverId") REFERENCES vehicle_drivers ("id") ON DELETE CASCADE;
ALTER TABLE driver_authorizations ADD CONSTRAINT "driver_authorizations_vehicleId_fkey"
    FOREIGN KEY ("vehicleId") REFERENCES vehicles ("id") ON DELETE CASCADE;

-- vehicle_maintenance_records
ALTER TABLE vehicle_maintenance_records ADD CONSTRAINT "vehicle_maintenance_records_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE RESTRICT;
ALTER TABLE vehicle_maintenance_records ADD CONSTRAINT "vehicle_maintenance_records_vehicleId_fkey"
    FOREIGN KEY ("vehicleId") REFERENCES vehicles ("id") ON DELETE CASCADE;

-- vehicle_maintenance_services
ALTER TABLE vehicle_maintenance_services ADD CONSTRAINT "vehicle_maintenance_services_maintenanceRecordId_fkey"
    FOREIGN KEY ("maintenanceRecordId") REFERENCES vehicle_maintenance_records ("id") ON DELETE CASCADE;

-- vehicle_maintenance_service_expenses
ALTER TABLE vehicle_maintenance_service_expenses ADD CONSTRAINT "vehicle_maintenance_service_expenses_serviceId_fkey"
    FOREIGN KEY ("serviceId") REFERENCES vehicle_maintenance_services ("id") ON DELETE CASCADE;

-- vehicle_trips
ALTER TABLE vehicle_trips ADD CONSTRAINT "vehicle_trips_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE SET NULL;
ALTER TABLE vehicle_trips ADD CONSTRAINT "vehicle_trips_driverId_fkey"
    FOREIGN KEY ("driverId") REFERENCES vehicle_drivers ("id") ON DELETE CASCADE;
ALTER TABLE vehicle_trips ADD CONSTRAINT "vehicle_trips_driverId_vehicleId_fkey"
    FOREIGN KEY ("driverId", "vehicleId") REFERENCES driver_authorizations ("driverId", "vehicleId") ON DELETE RESTRICT;
ALTER TABLE vehicle_trips ADD CONSTRAINT "vehicle_trips_vehicleId_fkey"
    FOREIGN KEY ("vehicleId") REFERENCES vehicles ("id") ON DELETE CASCADE;

-- vehicle_reimbursements
ALTER TABLE vehicle_reimbursements ADD CONSTRAINT "vehicle_reimbursements_approvedBy_fkey"
    FOREIGN KEY ("approvedBy") REFERENCES users ("id") ON DELETE SET NULL;
ALTER TABLE vehicle_reimbursements ADD CONSTRAINT "vehicle_reimbursements_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE RESTRICT;
ALTER TABLE vehicle_reimbursements ADD CONSTRAINT "vehicle_reimbursements_userId_fkey"
    FOREIGN KEY ("userId") REFERENCES users ("id") ON DELETE RESTRICT;
ALTER TABLE vehicle_reimbursements ADD CONSTRAINT "vehicle_reimbursements_vehicleId_fkey"
    FOREIGN KEY ("vehicleId") REFERENCES vehicles ("id") ON DELETE RESTRICT;

-- menu_combos
ALTER TABLE menu_combos ADD CONSTRAINT "menu_combos_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;

-- menu_combo_items
ALTER TABLE menu_combo_items ADD CONSTRAINT "menu_combo_items_comboId_fkey"
    FOREIGN KEY ("comboId") REFERENCES menu_combos ("id") ON DELETE CASCADE;
ALTER TABLE menu_combo_items ADD CONSTRAINT "menu_combo_items_productId_fkey"
    FOREIGN KEY ("productId") REFERENCES business_products ("id") ON DELETE CASCADE;
ALTER TABLE menu_combo_items ADD CONSTRAINT "menu_combo_items_variantId_fkey"
    FOREIGN KEY ("variantId") REFERENCES product_variants ("id") ON DELETE SET NULL;

-- menu_promotions
ALTER TABLE menu_promotions ADD CONSTRAINT "menu_promotions_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;

-- orders
ALTER TABLE orders ADD CONSTRAINT "orders_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE SET NULL;

-- order_items
ALTER TABLE order_items ADD CONSTRAINT "order_items_menuItemId_fkey"
    FOREIGN KEY ("menuItemId") REFERENCES menu_items ("id") ON DELETE SET NULL;
ALTER TABLE order_items ADD CONSTRAINT "order_items_orderId_fkey"
    FOREIGN KEY ("orderId") REFERENCES orders ("id") ON DELETE CASCADE;

-- wifi_token_devices
ALTER TABLE wifi_token_devices ADD CONSTRAINT "wifi_token_devices_wifiTokenId_fkey"
    FOREIGN KEY ("wifiTokenId") REFERENCES wifi_tokens ("id") ON DELETE CASCADE;

-- wifi_tokens
ALTER TABLE wifi_tokens ADD CONSTRAINT "wifi_tokens_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;
ALTER TABLE wifi_tokens ADD CONSTRAINT "wifi_tokens_businessTokenMenuItemId_fkey"
    FOREIGN KEY ("businessTokenMenuItemId") REFERENCES business_token_menu_items ("id") ON DELETE SET NULL;
ALTER TABLE wifi_tokens ADD CONSTRAINT "wifi_tokens_tokenConfigId_fkey"
    FOREIGN KEY ("tokenConfigId") REFERENCES token_configurations ("id") ON DELETE RESTRICT;

-- wifi_token_sales
ALTER TABLE wifi_token_sales ADD CONSTRAINT "wifi_token_sales_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;
ALTER TABLE wifi_token_sales ADD CONSTRAINT "wifi_token_sales_expenseAccountId_fkey"
    FOREIGN KEY ("expenseAccountId") REFERENCES expense_accounts ("id") ON DELETE RESTRICT;
ALTER TABLE wifi_token_sales ADD CONSTRAINT "wifi_token_sales_soldBy_fkey"
    FOREIGN KEY ("soldBy") REFERENCES users ("id") ON DELETE RESTRICT;
ALTER TABLE wifi_token_sales ADD CONSTRAINT "wifi_token_sales_wifiTokenId_fkey"
    FOREIGN KEY ("wifiTokenId") REFERENCES wifi_tokens ("id") ON DELETE RESTRICT;

-- business_token_menu_items
ALTER TABLE business_token_menu_items ADD CONSTRAINT "business_token_menu_items_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;
ALTER TABLE business_token_menu_items ADD CONSTRAINT "business_token_menu_items_tokenConfigId_fkey"
    FOREIGN KEY ("tokenConfigId") REFERENCES token_configurations ("id") ON DELETE CASCADE;

-- wifi_usage_analytics
ALTER TABLE wifi_usage_analytics ADD CONSTRAINT "wifi_usage_analytics_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;

-- r710_device_registry
ALTER TABLE r710_device_registry ADD CONSTRAINT "r710_device_registry_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE RESTRICT;

-- r710_business_integrations
ALTER TABLE r710_business_integrations ADD CONSTRAINT "r710_business_integrations_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;
ALTER TABLE r710_business_integrations ADD CONSTRAINT "r710_business_integrations_deviceRegistryId_fkey"
    FOREIGN KEY ("deviceRegistryId") REFERENCES r710_device_registry ("id") ON DELETE RESTRICT;

-- r710_wlans
ALTER TABLE r710_wlans ADD CONSTRAINT "r710_wlans_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;
ALTER TABLE r710_wlans ADD CONSTRAINT "r710_wlans_deviceRegistryId_fkey"
    FOREIGN KEY ("deviceRegistryId") REFERENCES r710_device_registry ("id") ON DELETE CASCADE;

-- r710_token_configs
ALTER TABLE r710_token_configs ADD CONSTRAINT "r710_token_configs_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;
ALTER TABLE r710_token_configs ADD CONSTRAINT "r710_token_configs_wlanId_fkey"
    FOREIGN KEY ("wlanId") REFERENCES r710_wlans ("id") ON DELETE CASCADE;

-- r710_tokens
ALTER TABLE r710_tokens ADD CONSTRAINT "r710_tokens_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;
ALTER TABLE r710_tokens ADD CONSTRAINT "r710_tokens_tokenConfigId_fkey"
    FOREIGN KEY ("tokenConfigId") REFERENCES r710_token_configs ("id") ON DELETE CASCADE;
ALTER TABLE r710_tokens ADD CONSTRAINT "r710_tokens_wlanId_fkey"
    FOREIGN KEY ("wlanId") REFERENCES r710_wlans ("id") ON DELETE CASCADE;

-- r710_token_sales
ALTER TABLE r710_token_sales ADD CONSTRAINT "r710_token_sales_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;
ALTER TABLE r710_token_sales ADD CONSTRAINT "r710_token_sales_expenseAccountId_fkey"
    FOREIGN KEY ("expenseAccountId") REFERENCES expense_accounts ("id") ON DELETE RESTRICT;
ALTER TABLE r710_token_sales ADD CONSTRAINT "r710_token_sales_soldBy_fkey"
    FOREIGN KEY ("soldBy") REFERENCES users ("id") ON DELETE RESTRICT;
ALTER TABLE r710_token_sales ADD CONSTRAINT "r710_token_sales_tokenId_fkey"
    FOREIGN KEY ("tokenId") REFERENCES r710_tokens ("id") ON DELETE CASCADE;

-- r710_device_tokens
ALTER TABLE r710_device_tokens ADD CONSTRAINT "r710_device_tokens_tokenId_fkey"
    FOREIGN KEY ("tokenId") REFERENCES r710_tokens ("id") ON DELETE CASCADE;

-- r710_business_token_menu_items
ALTER TABLE r710_business_token_menu_items ADD CONSTRAINT "r710_business_token_menu_items_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;
ALTER TABLE r710_business_token_menu_items ADD CONSTRAINT "r710_business_token_menu_items_tokenConfigId_fkey"
    FOREIGN KEY ("tokenConfigId") REFERENCES r710_token_configs ("id") ON DELETE CASCADE;

-- r710_sync_logs
ALTER TABLE r710_sync_logs ADD CONSTRAINT "r710_sync_logs_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;
ALTER TABLE r710_sync_logs ADD CONSTRAINT "r710_sync_logs_deviceRegistryId_fkey"
    FOREIGN KEY ("deviceRegistryId") REFERENCES r710_device_registry ("id") ON DELETE CASCADE;

-- network_printers
ALTER TABLE network_printers ADD CONSTRAINT "network_printers_nodeId_fkey"
    FOREIGN KEY ("nodeId") REFERENCES sync_nodes ("nodeId") ON DELETE RESTRICT;

-- barcode_templates
ALTER TABLE barcode_templates ADD CONSTRAINT "barcode_templates_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE RESTRICT;
ALTER TABLE barcode_templates ADD CONSTRAINT "barcode_templates_createdById_fkey"
    FOREIGN KEY ("createdById") REFERENCES users ("id") ON DELETE RESTRICT;

-- barcode_print_jobs
ALTER TABLE barcode_print_jobs ADD CONSTRAINT "barcode_print_jobs_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE RESTRICT;
ALTER TABLE barcode_print_jobs ADD CONSTRAINT "barcode_print_jobs_createdById_fkey"
    FOREIGN KEY ("createdById") REFERENCES users ("id") ON DELETE RESTRICT;
ALTER TABLE barcode_print_jobs ADD CONSTRAINT "barcode_print_jobs_inventoryItemId_fkey"
    FOREIGN KEY ("inventoryItemId") REFERENCES barcode_inventory_items ("id") ON DELETE SET NULL;
ALTER TABLE barcode_print_jobs ADD CONSTRAINT "barcode_print_jobs_printerId_fkey"
    FOREIGN KEY ("printerId") REFERENCES network_printers ("id") ON DELETE SET NULL;
ALTER TABLE barcode_print_jobs ADD CONSTRAINT "barcode_print_jobs_templateId_fkey"
    FOREIGN KEY ("templateId") REFERENCES barcode_templates ("id") ON DELETE RESTRICT;

-- barcode_inventory_items
ALTER TABLE barcode_inventory_items ADD CONSTRAINT "barcode_inventory_items_barcodeTemplateId_fkey"
    FOREIGN KEY ("barcodeTemplateId") REFERENCES barcode_templates ("id") ON DELETE RESTRICT;
ALTER TABLE barcode_inventory_items ADD CONSTRAINT "barcode_inventory_items_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE RESTRICT;
ALTER TABLE barcode_inventory_items ADD CONSTRAINT "barcode_inventory_items_createdById_fkey"
    FOREIGN KEY ("createdById") REFERENCES users ("id") ON DELETE RESTRICT;

-- print_jobs
ALTER TABLE print_jobs ADD CONSTRAINT "print_jobs_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;
ALTER TABLE print_jobs ADD CONSTRAINT "print_jobs_printerId_fkey"
    FOREIGN KEY ("printerId") REFERENCES network_printers ("id") ON DELETE CASCADE;
ALTER TABLE print_jobs ADD CONSTRAINT "print_jobs_userId_fkey"
    FOREIGN KEY ("userId") REFERENCES users ("id") ON DELETE CASCADE;

-- reprint_logs
ALTER TABLE reprint_logs ADD CONSTRAINT "reprint_logs_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE RESTRICT;
ALTER TABLE reprint_logs ADD CONSTRAINT "reprint_logs_orderId_fkey"
    FOREIGN KEY ("orderId") REFERENCES business_orders ("id") ON DELETE CASCADE;
ALTER TABLE reprint_logs ADD CONSTRAINT "reprint_logs_userId_fkey"
    FOREIGN KEY ("userId") REFERENCES users ("id") ON DELETE RESTRICT;

-- user_permissions
ALTER TABLE user_permissions ADD CONSTRAINT "user_permissions_permissionId_fkey"
    FOREIGN KEY ("permissionId") REFERENCES permissions ("id") ON DELETE CASCADE;
ALTER TABLE user_permissions ADD CONSTRAINT "user_permissions_userId_fkey"
    FOREIGN KEY ("userId") REFERENCES users ("id") ON DELETE CASCADE;

-- mac_acl_entries
ALTER TABLE mac_acl_entries ADD CONSTRAINT "mac_acl_entries_approvedBy_fkey"
    FOREIGN KEY ("approvedBy") REFERENCES users ("id") ON DELETE SET NULL;
ALTER TABLE mac_acl_entries ADD CONSTRAINT "mac_acl_entries_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;
ALTER TABLE mac_acl_entries ADD CONSTRAINT "mac_acl_entries_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE RESTRICT;
ALTER TABLE mac_acl_entries ADD CONSTRAINT "mac_acl_entries_deviceId_fkey"
    FOREIGN KEY ("deviceId") REFERENCES device_registry ("id") ON DELETE SET NULL;
ALTER TABLE mac_acl_entries ADD CONSTRAINT "mac_acl_entries_r710WlanId_fkey"
    FOREIGN KEY ("r710WlanId") REFERENCES r710_wlans ("id") ON DELETE CASCADE;

-- fund_sources
ALTER TABLE fund_sources ADD CONSTRAINT "fund_sources_userId_fkey"
    FOREIGN KEY ("userId") REFERENCES users ("id") ON DELETE SET NULL;

-- personal_budgets
ALTER TABLE personal_budgets ADD CONSTRAINT "personal_budgets_userId_fkey"
    FOREIGN KEY ("userId") REFERENCES users ("id") ON DELETE SET NULL;

-- personal_expenses
ALTER TABLE personal_expenses ADD CONSTRAINT "personal_expenses_categoryId_fkey"
    FOREIGN KEY ("categoryId") REFERENCES expense_categories ("id") ON DELETE SET NULL;
ALTER TABLE personal_expenses ADD CONSTRAINT "personal_expenses_subcategoryId_fkey"
    FOREIGN KEY ("subcategoryId") REFERENCES expense_subcategories ("id") ON DELETE SET NULL;
ALTER TABLE personal_expenses ADD CONSTRAINT "personal_expenses_userId_fkey"
    FOREIGN KEY ("userId") REFERENCES users ("id") ON DELETE SET NULL;

-- permission_templates
ALTER TABLE permission_templates ADD CONSTRAINT "permission_templates_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE RESTRICT;

-- seed_data_templates
ALTER TABLE seed_data_templates ADD CONSTRAINT "seed_data_templates_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE RESTRICT;
ALTER TABLE seed_data_templates ADD CONSTRAINT "seed_data_templates_sourceBusinessId_fkey"
    FOREIGN KEY ("sourceBusinessId") REFERENCES businesses ("id") ON DELETE SET NULL;

-- receipt_sequences
ALTER TABLE receipt_sequences ADD CONSTRAINT "receipt_sequences_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE RESTRICT;

-- persons
ALTER TABLE persons ADD CONSTRAINT "persons_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE SET NULL;
ALTER TABLE persons ADD CONSTRAINT "persons_driverLicenseTemplateId_fkey"
    FOREIGN KEY ("driverLicenseTemplateId") REFERENCES driver_license_templates ("id") ON DELETE SET NULL;
ALTER TABLE persons ADD CONSTRAINT "persons_idFormatTemplateId_fkey"
    FOREIGN KEY ("idFormatTemplateId") REFERENCES id_format_templates ("id") ON DELETE SET NULL;

-- inter_business_loans
ALTER TABLE inter_business_loans ADD CONSTRAINT "inter_business_loans_borrowerBusinessId_fkey"
    FOREIGN KEY ("borrowerBusinessId") REFERENCES businesses ("id") ON DELETE SET NULL;
ALTER TABLE inter_business_loans ADD CONSTRAINT "inter_business_loans_borrowerPersonId_fkey"
    FOREIGN KEY ("borrowerPersonId") REFERENCES persons ("id") ON DELETE SET NULL;
ALTER TABLE inter_business_loans ADD CONSTRAINT "inter_business_loans_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE RESTRICT;
ALTER TABLE inter_business_loans ADD CONSTRAINT "inter_business_loans_lenderBusinessId_fkey"
    FOREIGN KEY ("lenderBusinessId") REFERENCES businesses ("id") ON DELETE SET NULL;
ALTER TABLE inter_business_loans ADD CONSTRAINT "inter_business_loans_lenderUserId_fkey"
    FOREIGN KEY ("lenderUserId") REFERENCES users ("id") ON DELETE SET NULL;

-- loan_transactions
ALTER TABLE loan_transactions ADD CONSTRAINT "loan_transactions_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE RESTRICT;
ALTER TABLE loan_transactions ADD CONSTRAINT "loan_transactions_loanId_fkey"
    FOREIGN KEY ("loanId") REFERENCES inter_business_loans ("id") ON DELETE CASCADE;
ALTER TABLE loan_transactions ADD CONSTRAINT "loan_transactions_personalExpenseId_fkey"
    FOREIGN KEY ("personalExpenseId") REFERENCES personal_expenses ("id") ON DELETE SET NULL;

-- saved_reports
ALTER TABLE saved_reports ADD CONSTRAINT "saved_reports_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;
ALTER TABLE saved_reports ADD CONSTRAINT "saved_reports_managerUserId_fkey"
    FOREIGN KEY ("managerUserId") REFERENCES users ("id") ON DELETE SET NULL;

-- customer_display_ads
ALTER TABLE customer_display_ads ADD CONSTRAINT "customer_display_ads_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;

-- audit_logs
ALTER TABLE audit_logs ADD CONSTRAINT "audit_logs_userId_fkey"
    FOREIGN KEY ("userId") REFERENCES users ("id") ON DELETE SET NULL;

-- device_registry
ALTER TABLE device_registry ADD CONSTRAINT "device_registry_firstSeenBusinessId_fkey"
    FOREIGN KEY ("firstSeenBusinessId") REFERENCES businesses ("id") ON DELETE SET NULL;
ALTER TABLE device_registry ADD CONSTRAINT "device_registry_lastSeenBusinessId_fkey"
    FOREIGN KEY ("lastSeenBusinessId") REFERENCES businesses ("id") ON DELETE SET NULL;

-- device_connection_history
ALTER TABLE device_connection_history ADD CONSTRAINT "device_connection_history_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE SET NULL;
ALTER TABLE device_connection_history ADD CONSTRAINT "device_connection_history_deviceId_fkey"
    FOREIGN KEY ("deviceId") REFERENCES device_registry ("id") ON DELETE CASCADE;

-- sessions
ALTER TABLE sessions ADD CONSTRAINT "sessions_userId_fkey"
    FOREIGN KEY ("userId") REFERENCES users ("id") ON DELETE CASCADE;

-- r710_connected_clients
ALTER TABLE r710_connected_clients ADD CONSTRAINT "r710_connected_clients_businessId_fkey"
    FOREIGN KEY ("businessId") REFERENCES businesses ("id") ON DELETE CASCADE;
ALTER TABLE r710_connected_clients ADD CONSTRAINT "r710_connected_clients_deviceRegistryId_fkey"
    FOREIGN KEY ("deviceRegistryId") REFERENCES r710_device_registry ("id") ON DELETE CASCADE;
ALTER TABLE r710_connected_clients ADD CONSTRAINT "r710_connected_clients_wlanId_fkey"
    FOREIGN KEY ("wlanId") REFERENCES r710_wlans ("id") ON DELETE CASCADE;

-- chat_rooms
ALTER TABLE chat_rooms ADD CONSTRAINT "chat_rooms_createdBy_fkey"
    FOREIGN KEY ("createdBy") REFERENCES users ("id") ON DELETE SET NULL;

-- chat_messages
ALTER TABLE chat_messages ADD CONSTRAINT "chat_messages_roomId_fkey"
    FOREIGN KEY ("roomId") REFERENCES chat_rooms ("id") ON DELETE CASCADE;
ALTER TABLE chat_messages ADD CONSTRAINT "chat_messages_userId_fkey"
    FOREIGN KEY ("userId") REFERENCES users ("id") ON DELETE SET NULL;

-- chat_participants
ALTER TABLE chat_participants ADD CONSTRAINT "chat_participants_roomId_fkey"
    FOREIGN KEY ("roomId") REFERENCES chat_rooms ("id") ON DELETE CASCADE;
ALTER TABLE chat_participants ADD CONSTRAINT "chat_participants_userId_fkey"
    FOREIGN KEY ("userId") REFERENCES users ("id") ON DELETE SET NULL;
