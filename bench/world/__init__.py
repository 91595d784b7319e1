"""The parts of `make_world.py`: a made-up installation of any size."""
