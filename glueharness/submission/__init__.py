"""From completed runs to a submission, and the check of one."""
