# Largest eigenvalue of the kernel.
picture = 'kernel-lambda'; data = 'kernels.tsv'
load 'style.gp'; load 'settings.gp'
y_name = 'lambda_max'; y_text = 'largest eigenvalue on the probe'; y_scale = 1; y_log = 1
load 'along.gp'
