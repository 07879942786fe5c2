"""What stands behind the page that restores: what a person has chosen so far, and what came of a look at the plan."""
