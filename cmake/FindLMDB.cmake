# Finds LMDB, which Debian ships without a package file.
#
# Defines the imported target LMDB::LMDB and the variable LMDB_VERSION.
find_path(LMDB_INCLUDE_DIR lmdb.h)
find_library(LMDB_LIBRARY lmdb)
mark_as_advanced(LMDB_INCLUDE_DIR LMDB_LIBRARY)

if(LMDB_INCLUDE_DIR)
  foreach(part MAJOR MINOR PATCH)
    file(STRINGS "${LMDB_INCLUDE_DIR}/lmdb.h" lmdb_line REGEX "^#define MDB_VERSION_${part}[ \t]+[0-9]+")
    string(REGEX REPLACE "^#define MDB_VERSION_${part}[ \t]+([0-9]+).*" "\\1" lmdb_${part} "${lmdb_line}")
  endforeach()
  set(LMDB_VERSION "${lmdb_MAJOR}.${lmdb_MINOR}.${lmdb_PATCH}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LMDB
  REQUIRED_VARS LMDB_LIBRARY LMDB_INCLUDE_DIR
  VERSION_VAR LMDB_VERSION
)

if(LMDB_FOUND AND NOT TARGET LMDB::LMDB)
  add_library(LMDB::LMDB UNKNOWN IMPORTED)
  set_target_properties(LMDB::LMDB PROPERTIES
    IMPORTED_LOCATION "${LMDB_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${LMDB_INCLUDE_DIR}"
  )
endif()
