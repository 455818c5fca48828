"""How close the two scripts are: embed, search, count."""
