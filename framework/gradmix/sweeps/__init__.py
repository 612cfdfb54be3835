"""The fifth floor: sweeps, from the plan to the last job, under any launcher."""
