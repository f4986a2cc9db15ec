#pragma once

#include <cstddef>

#include "semfield/base/buffer.h"

namespace semfield::ops {

// The one way in which kernels get memory that is too large for the stack and that nobody reads once they
// return. Each thread keeps one block for each `Purpose` (a type that only serves as its name): it grows when
// it must and is given back when the thread ends, so that all but the first calls in a loop allocate nothing.
// The block is 64-byte aligned, holds no particular values and lasts until the same thread asks for the same
// purpose again. Do not call it between HWY_BEFORE_NAMESPACE and HWY_AFTER_NAMESPACE: it is one function for
// all instruction sets.
template <class Purpose, class T>
T* ThreadScratch(size_t size) {
  thread_local Buffer<T> block;
  if (block.size() < size) block.ResizeUninitialized(size);
  return block.data();
}

}  // namespace semfield::ops
