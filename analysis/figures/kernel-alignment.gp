# Alignment of the kernel with the targets.
picture = 'kernel-alignment'; data = 'kernels.tsv'
load 'style.gp'; load 'settings.gp'
y_name = 'target_alignment'; y_text = 'target alignment, test probe (0 to 1)'; y_scale = 1; y_log = 0
load 'along.gp'
