"""What people see: text, JSON, tables, pictures and logs of networks and of trainings."""
