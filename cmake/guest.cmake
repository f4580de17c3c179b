# guest.cmake: building static programs that run inside a sandbox.
find_program(MUSL_GCC musl-gcc REQUIRED)

# tine_guest_build(NAME SOURCE COMPILER [flags...]): one static program in the current build directory.
function(tine_guest_build name source compiler)
	set(link -static)
	if("-static-pie" IN_LIST ARGN)
		set(link "")
	endif()
	add_custom_command(OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}
		COMMAND ${compiler} -std=gnu17 -g -Wall -Wextra -Werror ${link} ${ARGN} -o ${name} ${source}
		DEPENDS ${source} ${PROJECT_SOURCE_DIR}/tests/guest/guest.h
		WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR} COMMENT "Building guest program ${name}" VERBATIM)
	string(MAKE_C_IDENTIFIER "guest_${CMAKE_CURRENT_SOURCE_DIR}_${name}" target)
	add_custom_target(${target} ALL DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/${name})
endfunction()
