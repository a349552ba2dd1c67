# Effective rank of the kernel.
picture = 'kernel-rank'; data = 'kernels.tsv'
load 'style.gp'; load 'settings.gp'
y_name = 'effective_rank'; y_text = 'effective rank'; y_scale = 1; y_log = 0
load 'along.gp'
