# Installs the library, its public headers, its programs and the package by which a guest finds them.
include(CMakePackageConfigHelpers)

set(weir_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/weir")

install(TARGETS weir EXPORT weirTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
)
install(EXPORT weirTargets NAMESPACE weir:: DESTINATION "${weir_package_dir}")

configure_package_config_file(cmake/weirConfig.cmake.in "${CMAKE_CURRENT_BINARY_DIR}/weirConfig.cmake"
  INSTALL_DESTINATION "${weir_package_dir}"
)
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/weirConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion
)
install(FILES
  "${CMAKE_CURRENT_BINARY_DIR}/weirConfig.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/weirConfigVersion.cmake"
  cmake/WeirDependencies.cmake
  cmake/FindCAF.cmake
  cmake/FindLMDB.cmake
  DESTINATION "${weir_package_dir}"
)
if(TARGET weir-cli)
  install(TARGETS weir-cli RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
if(TARGET weir-bench)
  install(TARGETS weir-bench RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
