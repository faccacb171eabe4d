"""Joins the stores, the objects and the plan file: scan, prove, apply, verify, roll back."""
