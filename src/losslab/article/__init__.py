"""What does the article say, and where is it wrong? Its errata and its parts as data, its formulas as code.

Imports `formulas`.
"""
