"""The fold: what each observation does to the parts of the model and to the diagnosis, which it composes."""
