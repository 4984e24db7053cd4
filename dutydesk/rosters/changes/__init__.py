"""Substitutes and swaps: asked for, judged, approved, called back."""
