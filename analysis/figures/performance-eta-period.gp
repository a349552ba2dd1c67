# The metric against eta K, and N/(eta K) above: one curve a learning rate where there are several, else one a read-out.
picture = 'performance-eta-period'; data = 'eta.tsv'
load 'style.gp'; load 'settings.gp'
x_name = 'eta_K'; x_text = 'ηK (learning rate × steps; ∞: never refreshed)'; x_kind = 'log'
x2_name = 'damping'; x2_text = 'damping N(1 − μ)/(ηK)'
y_name = 'mean'; y_text = metric_text; y_scale = metric_scale; y_log = 0; bars = 1
series = 'curve'; two = rates ? 0 : 1; joined = 1
if (rates) { beside = 1 }
if (exists('metric_most')) { y_least = metric_least; y_most = metric_most }
load 'panels.gp'
