"""A small simulator that reads and writes files: steady flow between two fixed heads to a pumping well."""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.linalg import spsolve

conductivity = np.loadtxt("conductivity.txt")
number = np.arange(conductivity.size).reshape(conductivity.shape)
diagonal, drive, faces = np.zeros(conductivity.size), np.zeros(conductivity.size), []
for one, other in ((number[1:], number[:-1]), (number[:, 1:], number[:, :-1])):
    a, b = one.ravel(), other.ravel()
    k_a, k_b = conductivity.ravel()[a], conductivity.ravel()[b]
    faces.append((a, b, 2 * k_a * k_b / (k_a + k_b)))
for column, head in ((0, 10.0), (-1, 9.0)):
    diagonal[number[:, column]] += 2 * conductivity[:, column]
    drive[number[:, column]] += 2 * conductivity[:, column] * head
middle = [size // 2 for size in conductivity.shape]
drive[number[middle[0] - 1 : middle[0] + 1, middle[1] - 1 : middle[1] + 1]] -= 1e-3 / 4

a, b, c = (np.concatenate(parts) for parts in zip(*faces, strict=True))
rows, columns = np.concatenate([a, b, a, b, number.ravel()]), np.concatenate([a, b, b, a, number.ravel()])
matrix = coo_array((np.concatenate([c, c, -c, -c, diagonal]), (rows, columns))).tocsr()
heads = spsolve(matrix, drive).reshape(conductivity.shape)
padded = np.pad(heads, 1, mode="edge")
padded[:, 0], padded[:, -1] = 20.0 - padded[:, 1], 18.0 - padded[:, -2]
np.savetxt("heads.txt", (padded[1:, 1:] + padded[:-1, 1:] + padded[1:, :-1] + padded[:-1, :-1]) / 4)
