export function importCost(
  folder: string,
  entry?: string,
): { readonly packages: readonly string[]; readonly modules: number };
