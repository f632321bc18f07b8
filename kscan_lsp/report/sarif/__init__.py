"""The report as SARIF 2.1.0, for code scanning on GitHub and every other program that reads it.

`log` puts the file together and keeps it within what GitHub takes, `rules` has the controls, `results` the findings,
`places` where something stands, and `line_hash` the hash of a line that GitHub tells alerts apart by.
Source: OASIS, SARIF 2.1.0 plus Errata 01; GitHub's pages on SARIF support and its limits.
"""
