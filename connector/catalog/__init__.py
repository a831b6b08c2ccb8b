"""What is declared, as typed objects, and what judges it."""
