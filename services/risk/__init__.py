"""The gate, sizing, the ledger it reads, and the kill switch."""
