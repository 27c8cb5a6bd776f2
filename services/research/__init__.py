"""What a strategy would have made: histories played through the desk's rules, figures, reports."""
