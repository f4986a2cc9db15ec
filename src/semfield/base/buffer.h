#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>

namespace semfield {

// 64-byte aligned storage for numeric data. Large blocks ask the kernel for huge pages: random reads of a
// hash table miss the TLB otherwise. Contents are zero after Resize; Resize to a smaller or equal capacity
// does not allocate.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t size) { Resize(size); }
  Buffer(Buffer&& other) noexcept { Swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Swap(other);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer();

  void Resize(size_t size);               // zeroes [0, size)
  void ResizeUninitialized(size_t size);  // keeps nothing, promises nothing
  void Fill(const T& value);

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  std::span<T> span() { return {data_, size_}; }
  std::span<const T> span() const { return {data_, size_}; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }

 private:
  static_assert(std::is_trivially_destructible_v<T>, "Buffer never runs constructors or destructors");
  void Swap(Buffer& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }
  T* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

namespace internal {
void* AllocateAligned(size_t bytes);  // throws ResourceError with the size in MiB
void FreeAligned(void* data);
}  // namespace internal

template <class T>
Buffer<T>::~Buffer() {
  internal::FreeAligned(data_);
}
template <class T>
void Buffer<T>::ResizeUninitialized(size_t size) {
  if (size > capacity_) {
    internal::FreeAligned(data_);
    data_ = nullptr;
    size_ = capacity_ = 0;
    const size_t most = std::numeric_limits<size_t>::max() / sizeof(T);
    data_ = static_cast<T*>(internal::AllocateAligned(size <= most ? size * sizeof(T) : most * sizeof(T)));
    capacity_ = size;
  }
  size_ = size;
}
template <class T>
void Buffer<T>::Resize(size_t size) {
  ResizeUninitialized(size);
  Fill(T{});
}
template <class T>
void Buffer<T>::Fill(const T& value) {
  for (size_t i = 0; i < size_; ++i) data_[i] = value;
}

}  // namespace semfield
