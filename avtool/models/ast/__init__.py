"""AST (Gong et al., 2021) and AST-MM."""
