#!/usr/bin/env Rscript
# Read a sweep in R: the netCDF copy with ncdf4 (r-cran-ncdf4), the table of jobs with nothing but R.
#
#   relin export FILE.h5 -o sweep.nc
#   relin export FILE.h5 -o jobs.csv
#   Rscript analysis/examples/read_export.R sweep.nc jobs.csv
arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) != 2) stop("expected OUT.nc and JOBS.csv")
options(width = 100, digits = 4)

# A row a job: what it is, how it went, its results. K = inf is Inf, what is missing NA. job_id is a text even
# where it happens to look like a number.
jobs <- read.csv(arguments[2], colClasses = c(job_id = "character"))
jobs <- jobs[jobs$outcome == "completed", ]
mean_sd <- function(x) c(n = length(x), mean = mean(x), sd = sd(x))
print(aggregate(test_accuracy ~ architecture + refresh_period, data = jobs, FUN = mean_sd))

# Paired by seed: every K starts from the same weights, data and batches.
baseline <- jobs[jobs$refresh_period == 1, c("architecture", "seed", "test_accuracy")]
paired <- merge(jobs, baseline, by = c("architecture", "seed"), suffixes = c("", "_K1"))
paired$points <- 100 * (paired$test_accuracy - paired$test_accuracy_K1)
print(aggregate(points ~ architecture + refresh_period, data = paired, FUN = mean))

# The rest: curves, refreshes, kernels. R has the axes in reverse, the job last.
suppressPackageStartupMessages(library(ncdf4))
file <- nc_open(arguments[1])
step <- ncvar_get(file, "step")                       # (eval, job); -1 where a curve is shorter
loss <- ncvar_get(file, "curve_train_loss")
there <- step[, 1] >= 0
cat("training loss of job 0:", paste(step[there, 1], signif(loss[there, 1], 4), sep = " "), sep = "\n  ")

# A cube out of any variable: one cell a job, NA where the grid has none.
cube <- tapply(ncvar_get(file, "test_accuracy"),
               list(architecture = ncvar_get(file, "architecture"), K = ncvar_get(file, "refresh_period"),
                    seed = ncvar_get(file, "seed")), c)
cat("cube:", paste(names(dimnames(cube)), dim(cube), collapse = " x "), "\n")
path <- ncvar_get(file, "kernels/kernel_path_length_linearised")
cat("kernel path length:", signif(head(path, 6), 3), "...\n")
cat("its meaning:", ncatt_get(file, "kernels/kernel_path_length_linearised", "long_name")$value, "\n")
invisible(nc_close(file))
