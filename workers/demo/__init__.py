"""`make demo`: the whole circle on the orders of a real shop, through the doors that everybody uses."""
