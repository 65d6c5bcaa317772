"""The Django end of Waybill: what a study app saves becomes changes, and what arrived at a server becomes its records."""
