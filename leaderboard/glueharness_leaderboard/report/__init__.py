"""The report: boards, pairs and runs as one page that needs nothing else."""
