"""The five pages; each has one function `show`."""
