"""Sound captions of films against the films' own SDH tracks."""
