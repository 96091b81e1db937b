using System.Collections;

namespace BackupApi.Files;

/// <summary>The paths of some nodes, made when they are asked for.</summary>
/// <param name="places">In <paramref name="nodes"/>, ascending.</param>
internal sealed class NodePaths(NodeList nodes, IReadOnlyList<int> places) : IReadOnlyList<string>
{
    public int Count => places.Count;

    public string this[int index] => nodes.PathAt(places[index]);

    public IEnumerator<string> GetEnumerator() => places.Select(nodes.PathAt).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
