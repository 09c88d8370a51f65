# Kernels of the fast backends: one file of onednn/kernels/ or simd/ a family; each lists its kernels.
target_link_libraries(ocellus_backend PUBLIC DNNL::dnnl PkgConfig::hwy)
file(GLOB onednn_kernels CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/onednn/kernels/*.cpp)
ocellus_table(backend ocellus engine/kernel.h KernelEntry onednn_kernels_in_ ${onednn_kernels})
file(GLOB simd_kernels CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/simd/*.cpp)
ocellus_table(backend ocellus engine/kernel.h KernelEntry simd_kernels_in_ ${simd_kernels})
