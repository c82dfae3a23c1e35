"""Plugin leaderboard."""
