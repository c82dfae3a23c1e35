"""Plugin finetune."""
