# What weir is built from. The installed package includes this file too, so a guest finds the same things.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(CAF 0.17.6)
find_dependency(LMDB 0.9.24)
find_dependency(OpenSSL 3.0)
find_dependency(fmt 9)
find_dependency(spdlog 1.10)
find_dependency(Boost 1.81)
