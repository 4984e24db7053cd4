"""A Twilio-compatible exchange with handsets: for the demo, for drills and for tests.

Nothing here reaches a telephone network. The exchange (:mod:`.exchange`) knows nothing of HTTP; :mod:`.rest`
gives it Twilio's face, :mod:`.page` one for people.
"""
