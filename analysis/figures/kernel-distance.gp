# Kernel distance to initialisation.
picture = 'kernel-distance'; data = 'kernels.tsv'
load 'style.gp'; load 'settings.gp'
y_name = 'kernel_distance'; y_text = 'kernel distance to initialisation (0 to 1)'; y_scale = 1; y_log = 0
load 'along.gp'
