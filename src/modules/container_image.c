/*
 * container_image.c
 *	  What a container's image is of: a repository that has a row, or else a
 *	  plain name.
 */
#include "postgres.h"

#include "engine/engine.h"
#include "modules/modules.h"

/* The object of 'resource' whose URI this is, NULL if there is none with a row. */
static const Object *
repository_of(const PartImport *import, const char *resource, const char *uri)
{
	Kind *kind = kind_by_name(import->session->world, resource);
	const Object *repository =
		kind ? object_by_attribute(kind, kind->has_region ? import->object->region : "", "repository_uri", uri) : NULL;

	return repository != NULL && repository->row_key != NULL ? repository : NULL;
}

/* Parts.import of containers. */
void
import_container_image(void *context)
{
	PartImport *import = context;
	char *image = path_text(import->part, "image");
	const Object *repository;
	char *name, *tag, *digest;

	if (image == NULL)
		return;
	image_split(image, &name, &tag, &digest);
	if ((repository = repository_of(import, "repository", name)) != NULL)
		part_refer(import, "repository_name", repository);
	else if ((repository = repository_of(import, "public_repository", name)) != NULL)
		part_refer(import, "public_repository_name", repository);
	else
		part_set(import, "image", name);
}
