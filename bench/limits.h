#pragma once

#include <cstddef>
#include <cstdint>

namespace semfield::bench {

// What this machine can do at best, measured with the threads of base/parallel.h and the instruction set that
// kernels use now. Each call takes some tens of milliseconds and returns the best of several runs: measure
// beside the thing that is compared with it.

// Multiply-adds of 32-bit floats in independent chains, counted as two operations each: operations a second
// of all threads.
double MultiplyAddRate();

// Seconds that one cache line read at a random place costs, all threads together (two threads that need 2 ns
// each: 1 ns), in a table of so many bytes. Places are known beforehand and no line waits for another.
double LineReadSeconds(size_t table_bytes);
// The same for reading, changing and writing. Every thread has its own table, as every level of a grid has.
double LineUpdateSeconds(size_t table_bytes);

// Bytes a second that all threads together read, and read and write in place, from arrays of so many bytes in
// all.
double ReadRate(size_t bytes);
double UpdateRate(size_t bytes);

}  // namespace semfield::bench
