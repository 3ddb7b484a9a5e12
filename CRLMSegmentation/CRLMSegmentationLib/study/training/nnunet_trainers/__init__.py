"""A flat folder of modules in which nnU-Net finds trainers: set `nnUNet_extTrainer` to it."""
