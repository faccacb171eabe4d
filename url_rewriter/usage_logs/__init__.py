"""Usage logs of Cloud Storage: the hourly CSV files that say who fetched which object."""
