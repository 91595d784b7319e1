"""The mathematics of audiences: rules, scores, tiers, cohorts and key figures.

Nothing here knows Flask, a session, a queue or the time of day. Modules are handed words and times, and give
back values, SQLAlchemy conditions and sentences.
"""
