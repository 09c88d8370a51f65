# Kernels of the fast backends: one file of onednn/ or simd/ a family; each lists its kernels, in order of preference.
target_link_libraries(ocellus_backend PUBLIC DNNL::dnnl PkgConfig::hwy)
file(GLOB onednn_kernels CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/onednn/kernels/*.cpp)
ocellus_table(backend ocellus engine/kernel.h KernelEntry onednn_kernels_in_ ${onednn_kernels})
