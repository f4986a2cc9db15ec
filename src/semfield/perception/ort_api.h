#pragma once

#include <cstddef>
#include <cstdint>

#include "semfield/perception/ort.h"

namespace semfield {

// The C interface of ONNX Runtime is a table of function pointers that only ever grows at its end, so a slot
// number is a stable name. Every object behind it is opaque to us: void*. A call returns null or a status to
// be released.
using OrtStatusPtr = void*;

struct InferenceRuntime::Api {
  const char* (*get_error_message)(const void* status);
  OrtStatusPtr (*create_env)(int log_level, const char* id, void** env);
  OrtStatusPtr (*create_session)(const void* env, const char* path, const void* options, void** session);
  OrtStatusPtr (*create_session_from_array)(const void* env, const void* bytes, size_t size,
                                            const void* options, void** session);
  OrtStatusPtr (*run)(void* session, const void* run_options, const char* const* input_names,
                      const void* const* inputs, size_t num_inputs, const char* const* output_names,
                      size_t num_outputs, void** outputs);
  OrtStatusPtr (*create_session_options)(void** options);
  OrtStatusPtr (*set_execution_mode)(void* options, int mode);
  OrtStatusPtr (*disable_mem_pattern)(void* options);
  OrtStatusPtr (*set_optimization_level)(void* options, int level);
  OrtStatusPtr (*set_intra_op_threads)(void* options, int threads);
  OrtStatusPtr (*set_inter_op_threads)(void* options, int threads);
  OrtStatusPtr (*add_config_entry)(void* options, const char* key, const char* value);
  OrtStatusPtr (*create_run_options)(void** options);
  OrtStatusPtr (*set_terminate)(void* options);  // of a run that is going on
  OrtStatusPtr (*get_input_count)(const void* session, size_t* count);
  OrtStatusPtr (*get_output_count)(const void* session, size_t* count);
  OrtStatusPtr (*get_input_type)(const void* session, size_t index, void** type_info);
  OrtStatusPtr (*get_output_type)(const void* session, size_t index, void** type_info);
  OrtStatusPtr (*get_input_name)(const void* session, size_t index, void* allocator, char** name);
  OrtStatusPtr (*get_output_name)(const void* session, size_t index, void* allocator, char** name);
  OrtStatusPtr (*create_tensor)(const void* memory_info, void* data, size_t bytes, const int64_t* shape,
                                size_t rank, int element_type, void** value);
  OrtStatusPtr (*get_tensor_data)(void* value, void** data);
  OrtStatusPtr (*cast_type_to_tensor)(const void* type_info, const void** tensor_info);
  OrtStatusPtr (*get_element_type)(const void* tensor_info, int* element_type);
  OrtStatusPtr (*get_rank)(const void* tensor_info, size_t* rank);
  OrtStatusPtr (*get_shape)(const void* tensor_info, int64_t* shape, size_t rank);
  OrtStatusPtr (*get_element_count)(const void* tensor_info, size_t* count);
  OrtStatusPtr (*get_tensor_info)(const void* value, void** tensor_info);
  OrtStatusPtr (*create_cpu_memory_info)(int allocator_type, int memory_type, void** memory_info);
  OrtStatusPtr (*allocator_free)(void* allocator, void* block);
  OrtStatusPtr (*get_allocator)(void** allocator);
  void (*release_env)(void*);
  void (*release_status)(void*);
  void (*release_memory_info)(void*);
  void (*release_session)(void*);
  void (*release_value)(void*);
  void (*release_run_options)(void*);
  void (*release_type_info)(void*);
  void (*release_tensor_info)(void*);
  void (*release_session_options)(void*);

  explicit Api(void* const* table);

  // Empty when the call went well; takes and releases the status.
  std::string Take(OrtStatusPtr status) const;
};

}  // namespace semfield
