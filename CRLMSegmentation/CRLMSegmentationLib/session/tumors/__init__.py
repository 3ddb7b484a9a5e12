"""The tumors of one case: what each of them is, and which one the steps work on."""
