"""Tables of the leaderboard, on a terminal and in files."""
