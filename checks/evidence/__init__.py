"""What the checklist's proofs rest on: records of runs, records of people, and waivers."""
