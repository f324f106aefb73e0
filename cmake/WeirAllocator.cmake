# The programs' memory: what one thread makes and another frees, as every call does several times, costs glibc's malloc a
# lock each. The library leaves the choice to its embedder; a sanitizer brings its own.
option(WEIR_USE_JEMALLOC "Link the programs with jemalloc when it is installed" ON)

function(weir_link_allocator target)
  if(NOT WEIR_USE_JEMALLOC OR WEIR_SANITIZERS)
    return()
  endif()
  find_library(JEMALLOC_LIBRARY jemalloc)
  if(JEMALLOC_LIBRARY)
    # Nothing of ours names a symbol of it: it takes the place of malloc.
    target_link_libraries(${target} PRIVATE -Wl,--no-as-needed "${JEMALLOC_LIBRARY}" -Wl,--as-needed)
  endif()
endfunction()
