"""The data map (R11): every place where data lies, what for, how long, who answers for it, and how it is erased."""
