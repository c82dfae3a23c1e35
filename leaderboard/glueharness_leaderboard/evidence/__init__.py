"""From run folders to the arrays that the statistics take: predictions, metrics, measurements."""
